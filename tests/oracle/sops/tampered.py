#!/usr/bin/env python3
"""Makes libs/sops/tests/sops/tampered.jsonl: files of the real sops, changed in every class, and its verdict.

    tampered.py SOPS

Starts from the committed cases (KIND-simple-age and others) and their keys, so that it can be run again alone. One line a case:
name, format, whether the checksum is ignored, the file, and what the real sops 3.13 decrypts it to or says.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOPS = sys.argv[1]
ROOT = Path(__file__).resolve().parents[3] / "libs/sops/tests/sops"
KINDS = {"yaml": "yaml", "json": "json", "env": "dotenv", "ini": "ini", "bin": "binary"}
WORK = Path(tempfile.mkdtemp())
KEYS = WORK / "keys"
KEYS.write_text("".join((ROOT / "keys" / f"{name}.age").read_text() for name in ("first", "second", "third")))
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": str(WORK), "SOPS_AGE_KEY_FILE": str(KEYS), "SOPS_DISABLE_VERSION_CHECK": "1"}


def read(kind, case="simple-age"):
    return (ROOT / "cases" / f"{kind}-{case}" / f"encrypted.{kind}").read_text()


def field(name):
    """Matches one scalar of the metadata in every format: what stands before the value, the value, a comma."""
    return re.compile(rf'^(\s*"?(?:sops_)?{name}"?(?: *= *|: *))("?)(.*?)("?)(,?)$', re.M)


def put(text, name, value, quoted=True):
    """Replaces a scalar of the metadata."""
    def new(found):
        start, quote, _, _, comma = found.groups()
        quote = quote if quoted else ""
        return f"{start}{quote}{value}{quote}{comma}"

    return field(name).sub(new, text, count=1)


def drop(text, name):
    """Takes a scalar of the metadata away."""
    changed = re.sub(rf'^\s*"?(?:sops_)?{name}"?(?: *= *|: *).*\n?', "", text, count=1, flags=re.M)
    return re.sub(r",(\s*})", r"\1", changed)


def add(text, kind, name, value):
    """Adds a scalar of the metadata before the version."""
    line = {"yaml": f"    {name}: {value}\n", "json": f'\t\t"{name}": "{value}",\n', "env": f"sops_{name}={value}\n",
            "ini": f"{name} = {value}\n", "bin": f'\t\t"{name}": "{value}",\n'}[kind]
    return re.sub(r'^(\s*"?(?:sops_)?version"?(?: *= *|: *))', lambda found: line + found.group(0).lstrip("\n"), text, count=1,
                  flags=re.M)


def values(text):
    """Returns the encrypted values in their order; the checksum is the last or, where metadata come first, found by its name."""
    mac = field("mac").search(text).group(3)
    return [value for value in re.findall(r"ENC\[[^\]]*\]", text) if value != mac], mac


def part(value, name, change):
    """Changes data, iv, tag or type of one value."""
    return re.sub(rf"{name}:([^,\]]*)", lambda found: f"{name}:{change(found.group(1))}", value, count=1)


def flip(base64):
    return ("B" if base64[0] != "B" else "C") + base64[1:]


def tampered(kind):
    """Yields the name and the text of every change."""
    text = read(kind)
    all_values, mac = values(text)
    first = all_values[0]
    changed = lambda value: text.replace(first, value, 1)

    # Values.
    for name in ("data", "iv", "tag"):
        yield f"value-{name}-flipped", changed(part(first, name, flip))
        yield f"value-{name}-empty", changed(part(first, name, lambda _: ""))
        yield f"value-{name}-cut", changed(part(first, name, lambda old: old[:-4]))
        yield f"value-{name}-no-base64", changed(part(first, name, lambda old: "*" + old[1:]))
    yield "value-iv-of-12-bytes", changed(part(first, "iv", lambda old: old[:16]))
    yield "value-tag-long", changed(part(first, "tag", lambda old: "AAAA" + old))
    for kind_name in ("int", "float", "bool", "bytes", "comment", "time", "what", ""):
        yield f"value-type-{kind_name or 'empty'}", changed(part(first, "type", lambda _: kind_name))
    yield "value-in-clear", changed("in clear")
    yield "value-empty", changed("")
    yield "value-no-end", changed(first[:-1])
    yield "value-text-behind", changed(first + "behind")
    yield "value-text-before", changed("before" + first)
    yield "value-other-cipher", changed(first.replace("AES256_GCM", "AES128_GCM"))
    yield "value-twice-of-another", changed(all_values[-1]) if len(all_values) > 1 else changed(mac)
    if len(all_values) > 1:
        second = all_values[1]
        yield "values-swapped", text.replace(first, "@", 1).replace(second, first, 1).replace("@", second, 1)
    # Keys that lead to values.
    renamed = {"yaml": ("password:", "passwort:"), "json": ('"password"', '"passwort"'), "env": ("PASSWORD=", "PASSWORT="),
               "ini": ("password ", "passwort "), "bin": ('"data"', '"date"')}[kind]
    yield "key-renamed", text.replace(*renamed, 1)
    if kind == "ini":
        yield "section-renamed", text.replace("[database]", "[databases]", 1)
    if kind == "yaml":
        yield "value-removed", re.sub(r"^    password: .*\n", "", text, flags=re.M)
        yield "parent-renamed", text.replace("stringData:", "stringDate:", 1)
        yield "value-added", text.replace("stringData:\n", "stringData:\n    more: clear\n", 1)
        yield "value-added-empty", text.replace("stringData:\n", 'stringData:\n    more: ""\n', 1)
        yield "value-added-null", text.replace("stringData:\n", "stringData:\n    more: null\n", 1)
        yield "value-added-number", text.replace("stringData:\n", "stringData:\n    more: 1\n", 1)
        yield "value-added-unencrypted", text.replace("stringData:\n", "stringData:\n    more_unencrypted: 1\n", 1)
        yield "document-added", text.replace("sops:\n", "sops:\n", 1) + "---\nmore: null\n"
        yield "anchor-and-alias", text.replace("stringData:\n", "stringData: &a\n", 1).replace("sops:\n", "other: *a\nsops:\n", 1)
        yield "key-twice", text.replace("stringData:\n", f"stringData:\n    password: {first}\n", 1)
    if kind == "env":
        yield "value-removed", re.sub(r"^PASSWORD=.*\n", "", text, flags=re.M)
        yield "value-added", "MORE=clear\n" + text
        yield "value-added-empty", "MORE=\n" + text
        yield "key-twice", f"PASSWORD={first}\n" + text
    if kind == "ini":
        yield "value-removed", re.sub(r"^password .*\n", "", text, flags=re.M)
        yield "value-added", text.replace("[database]\n", "[database]\nmore = clear\n", 1)
        yield "key-twice", text.replace("[database]\n", f"[database]\npassword = {first}\n", 1)
    if kind in ("json", "bin"):
        yield "value-added", text.replace("{\n", '{\n\t"more": "clear",\n', 1)
        yield "value-added-null", text.replace("{\n", '{\n\t"more": null,\n', 1)
        yield "value-added-number", text.replace("{\n", '{\n\t"more": 1,\n', 1)
        yield "value-added-empty", text.replace("{\n", '{\n\t"more": "",\n', 1)

    # The checksum.
    yield "mac-flipped", put(text, "mac", part(mac, "data", flip))
    yield "mac-of-a-value", put(text, "mac", first)
    yield "mac-in-clear", put(text, "mac", "0" * 128)
    yield "mac-empty", put(text, "mac", "")
    yield "mac-gone", drop(text, "mac")
    yield "mac-type-int", put(text, "mac", part(mac, "type", lambda _: "int"))
    yield "mac-type-bytes", put(text, "mac", part(mac, "type", lambda _: "bytes"))
    yield "mac-of-another-file", put(text, "mac", values(read(kind, "types-age"))[1])
    yield "mac-only-encrypted-set", add(text, kind, "mac_only_encrypted", "true")
    yield "mac-only-encrypted-nonsense", add(text, kind, "mac_only_encrypted", "maybe")
    yield "mac-only-encrypted-unset", drop(read(kind, "mac-only-encrypted"), "mac_only_encrypted")
    yield "mac-only-encrypted-false", put(read(kind, "mac-only-encrypted"), "mac_only_encrypted", "false", False)

    # Dates.
    date = field("lastmodified").search(text).group(3)
    for name, value in {
        "earlier": "1999" + date[4:], "later": "2999" + date[4:], "with-offset": date.replace("Z", "+00:00"),
        "elsewhere": date.replace("Z", "+02:00"), "with-fraction": date.replace("Z", ".5Z"), "lower-case": date.lower(),
        "space": date.replace("T", " "), "day-only": date[:10], "no-zone": date[:-1], "nonsense": "yesterday", "empty": "",
        "number": "1700000000", "no-such-day": "2026-02-30T00:00:00Z", "leap-second": "2016-12-31T23:59:60Z",
        "short-year": "026-01-01T00:00:00Z", "zone-without-colon": date.replace("Z", "+0000"), "hour-24": date[:11] + "24:00:00Z",
    }.items():
        yield f"date-{name}", put(text, "lastmodified", value)
    yield "date-gone", drop(text, "lastmodified")

    # Versions.
    for value in ("0.0.1", "1.0", "2", "3.0.0", "3.7.3", "99.0.0", "v3.9.0", "3.9.0-rc1", "3.9", "abc", "", "3.9.0.1", "-1.0.0",
                  "3.9.0+build", "3..0", " 3.9.0"):
        yield f"version-{value.strip() or 'empty'}{'-spaced' if value.startswith(' ') else ''}", put(text, "version", value)
    yield "version-gone", drop(text, "version")

    # Which values are encrypted.
    yield "suffix-added", add(text, kind, "unencrypted_suffix", "word")
    yield "encrypted-suffix-added", add(text, kind, "encrypted_suffix", "word")
    yield "regex-added", add(text, kind, "encrypted_regex", "^nothing$")
    yield "unencrypted-regex-added", add(text, kind, "unencrypted_regex", "^(user|USER)$")
    yield "regex-broken", add(text, kind, "encrypted_regex", "(")
    yield "two-rules", add(add(text, kind, "encrypted_regex", "a"), kind, "encrypted_suffix", "b")
    yield "comment-regex-added", add(text, kind, "unencrypted_comment_regex", "^nothing$")
    yield "unknown-field", add(text, kind, "what_is_this", "new")

    # Recipients.
    public = re.search(r"age1[a-z0-9]{58}", text).group(0)
    yield "recipient-other", text.replace(public, "age1" + "q" * 58, 1)
    yield "recipient-empty", text.replace(public, "", 1)
    yield "recipient-nonsense", text.replace(public, "nonsense", 1)
    yield "enc-header", text.replace("age-encryption", "age-encryptiom", 1).replace("BEGIN AGE", "BEGIN AGO", 1)
    body = re.search(r"YWdlLWVuY3J5cHRpb24[A-Za-z0-9+/]*", text).group(0)
    yield "enc-flipped", text.replace(body, body[:40] + flip(body[40:]), 1)
    yield "enc-cut", text.replace(body, body[:-8], 1)
    yield "enc-no-base64", text.replace(body, "*" + body[1:], 1)
    several = read(kind, "age-several" if (ROOT / "cases" / f"{kind}-age-several").exists() else "simple-age-several")
    yield "one-of-two-recipients-broken", several.replace("BEGIN AGE", "BEGIN AGO", 1)
    yield "both-recipients-broken", several.replace("BEGIN AGE", "BEGIN AGO")

    # Key groups.
    groups = read(kind, "shamir-2-of-3")
    for value in ("0", "1", "3", "4", "-1", "two", ""):
        yield f"threshold-{value or 'empty'}", put(groups, "shamir_threshold", value, False)
    yield "threshold-gone", drop(groups, "shamir_threshold")
    yield "threshold-without-groups", add(text, kind, "shamir_threshold", "2")


def ask(kind, text, ignore):
    path = WORK / f"case.{kind}"
    path.write_text(text)
    kind = KINDS[kind]
    command = [SOPS, "decrypt", "--input-type", kind, "--output-type", kind, *(["--ignore-mac"] if ignore else []), str(path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True)
    if done.returncode == 0:
        return {"expected": done.stdout.decode()}
    return {"error": done.stderr.decode().replace(str(WORK), "~").strip()}


count, accepted = 0, 0
with (ROOT / "tampered.jsonl").open("w") as out:
    for kind in KINDS:
        untouched = {read(kind, case) for case in ("simple-age", "mac-only-encrypted", "shamir-2-of-3")}
        for name, text in tampered(kind):
            if text in untouched:
                print(f"{kind} {name}: nothing was changed", file=sys.stderr)
                continue
            for ignore in (False, True):
                verdict = ask(kind, text, ignore)
                count, accepted = count + 1, accepted + ("expected" in verdict)
                case = {"name": name, "format": KINDS[kind], "ignore_mac": ignore, "encrypted": text, **verdict}
                out.write(json.dumps(case, ensure_ascii=False) + "\n")
print(f"{count} cases, {accepted} are accepted")
