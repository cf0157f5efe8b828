#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""packversion.py OUTPUT FILE... - a header with a digest of the files that decide how constants are packed and read: what one build
has packed, another uses only when these are the same."""
import hashlib
import pathlib
import sys

digest = hashlib.sha256()
for name in sorted(sys.argv[2:], key=lambda n: pathlib.Path(n).name):
    digest.update(pathlib.Path(name).read_bytes())
pathlib.Path(sys.argv[1]).write_text(f'#define QF_PACK_VERSION "{digest.hexdigest()[:16]}"\n')
