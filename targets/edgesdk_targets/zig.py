"""`zig cc` with gcc's spelling of ARM instruction sets, which zig refuses.

Run by path, as a compiler: `python zig.py cc -target aarch64-linux-musl -march=armv8-a ...`
"""

import importlib.util
import os
import re
import sys

ARCHITECTURE = re.compile(r"-march=armv(\d+)(?:\.(\d+))?-a((?:\+\w+)*)")


def translate(word: str) -> list[str]:
    """One argument of gcc as zig's: -march=armv8.2-a+dotprod is -mcpu=generic+v8_2a+dotprod."""
    if match := ARCHITECTURE.fullmatch(word):
        major, minor, features = match.groups()
        version = f"v{major}_{minor}a" if minor else f"v{major}a"
        return [f"-mcpu=generic+{version}{features.replace('+fp16', '+fullfp16')}"]
    return [word]


def main() -> None:
    """Become zig."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        sys.exit("zig.py: ziglang is not installed: pip install ziglang")
    zig = os.path.join(os.path.dirname(spec.origin), "zig")
    words = [new for word in sys.argv[1:] for new in translate(word)]
    os.execv(zig, [zig, *words])


if __name__ == "__main__":
    main()
