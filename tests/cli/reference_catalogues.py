"""The reference page of the threat catalogues that are pinned.

In: the tables of the contract room. Out: the text of the page.
"""

from __future__ import annotations

from shipworthy.contract import atlas, catalogues


def threat_catalogues_page(made: str) -> str:
    """Return the page of pinned catalogues, retired ids first; `made` says who wrote it."""
    tactics = dict(line.split("|") for line in atlas.TACTICS.splitlines())
    retired = [
        f"| `{old}` {catalogues.catalogues()['atlas'].entries[old].name} | `{new}` {catalogues.SUCCESSORS[new]} |"
        for old, new in catalogues.RETIRED.items()
    ]
    listed = catalogues.catalogues().values()
    pins = [f"| `{one.name}` | {one.title} | {_versions(one)} | {len(one.entries)} | {one.source} |" for one in listed]
    parts = [
        "# Threat catalogues\n",
        made,
        "`refs` of `threat-model.yaml` name a catalogue, its version and an id, such as",
        "`{catalogue: atlas, version: 5.6.0, id: AML.T0020}`. An unknown catalogue, version or id is an error of",
        "`shipworthy check`. Ids change between versions, so the tables are pinned to these sources:\n",
        "| catalogue | | version | ids | read from |\n|---|---|---|---|---|",
        *pins,
        "\nThe ATLAS file of tag 5.6.1 calls itself 5.6.0: both are taken for the same table. ATLAS data are",
        "licensed under Apache-2.0 (copyright 2021-2025 MITRE), the OWASP lists under CC BY-SA 4.0; ids and titles",
        "only are kept here.\n",
        "## Retired ids\n",
        f"ATLAS {catalogues.LATER} retired three ids of {atlas.VERSION}. They are taken with a warning that names the",
        "successor; the match is inferred from the names. Of the later version only these successors are pinned.\n",
        f"| retired in {catalogues.LATER} | followed by |\n|---|---|",
        *retired,
        "",
    ]
    for one in listed:
        parts += [f"## {one.title}\n", "| id | name | tactics | maturity |\n|---|---|---|---|"]
        for entry in one.entries.values():
            told = ", ".join(tactics[tactic] for tactic in entry.tactics)
            parts.append(f"| `{entry.id}` | {entry.name} | {told} | {entry.maturity} |")
        parts.append("")
    parts += ["## ATLAS mitigations\n", "For `bound_to: [mitigation:<id>]`; a mitigation alone shows nothing.\n"]
    parts += [
        "| id | name |\n|---|---|",
        *(f"| `{one.id}` | {one.name} |" for one in catalogues.mitigations().values()),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _versions(one: catalogues.Catalogue) -> str:
    more = (catalogues.LATER,) if one.name == "atlas" else ()
    return ", ".join((*one.versions, *more))
