"""What strangers write into the text fields of any product: payloads written by us, and corpora that users bring."""
