"""Modules that no artefact may reach, whatever it declares.

Out: the first parts of module names. The standard library of Python 3.11 to 3.14 as a text, not from the running
interpreter: the same file must get the same findings everywhere. Modules with a leading underscore are left out of the
list because they are forbidden as a whole.
"""

from __future__ import annotations

_STANDARD = """
abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii
bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall
compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime
dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput
fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac
html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale
logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis
nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes
pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data
pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve
shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse
ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile
telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace traceback
tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings wave weakref
webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
"""
# Python 2 spellings that pickle still translates, and packages whose purpose is to load or to run code.
_OTHERS = """
BaseHTTPServer Queue StringIO cPickle cStringIO commands copy_reg popen2 urllib2 urlparse md5 sets sha new IPython
cffi cloudpickle dill fabric httpx joblib paramiko pip pytest requests setuptools sh torch
"""
FORBIDDEN: frozenset[str] = frozenset(_STANDARD.split()) | frozenset(_OTHERS.split())


def is_forbidden(module: str) -> bool:
    """Whether the module, or the package it is in, is one of those."""
    top = module.split(".", 1)[0]
    return top.startswith("_") or top in FORBIDDEN
