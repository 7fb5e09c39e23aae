"""Reading object files: instructions beyond a baseline, stack traffic in the loops of kernels."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

LINE = re.compile(r"\s+([0-9a-f]+):\t((?:[0-9a-f]{2,8} ?)+)\s*\t([a-z][\w.]*)\s*(.*)")
FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:")
JUMP_TARGET = re.compile(r"\b([0-9a-f]+) <")

# x86-64-v1 ends with SSE2. VEX and EVEX codes begin with v; these came between or beside them.
# tzcnt is left out: gcc writes `rep bsf`, which older processors run as bsf with the same result.
BEYOND_X86_64_V1 = re.compile(
    r"v(?!err|erw).*|addsubp[sd]|h(?:add|sub)p[sd]|lddqu|movddup|movs[hl]dup|fisttp\w*|"  # SSE3
    r"pshufb|ph(?:add|sub)\w+|pmaddubsw|pmulhrsw|psign[bwd]|palignr|pabs[bwd]|"  # SSSE3
    r"blendv?p[sd]|pblend\w+|dpp[sd]|extractps|insertps|movntdqa|mpsadbw|packusdw|pcmpeqq|"
    r"p(?:ext|ins)r[bdq]|phminposuw|pm(?:ax|in)(?:sb|sd|ud|uw)|pmov[sz]x\w+|pmul(?:dq|ld)|ptest|"
    r"round[ps][sd]|pcmp[ei]str[im]|pcmpgtq|crc32\w*|popcnt|lzcnt|"  # SSE4.1, SSE4.2
    r"andn|bextr|bls(?:i|msk|r)|bzhi|mulx|pdep|pext|rorx|s[ah][lr]x|adcx|adox|movbe|"  # BMI
    r"aes\w+|pclmul\w+|sha\d\w+|cmpxchg16b|rdrand|rdseed|"
    r"(?:ld|st)tilecfg|tile\w+|tdp\w+"  # AMX
)
# Vector multiplications mark the loops that cost the time.
MULTIPLIES = re.compile(
    r"v?p?m(?:adddu?bsw|addwd|addubsw|ullw|ulld|ulhw)|vpdpbusd\w*|vf(?:n?m)(?:add|sub)\w+|v?mulp[sd]|"
    r"[su]?m(?:ul|ull|lal|la|lsl|ull2|lal2)2?|[su]dot|usdot|smmla|fm(?:la|ul)|"
    r"v(?:q?d?mul|mla|mls|mlal|mull|fma)[\w.]*"
)
VECTOR = re.compile(r"%[xyz]mm\d+|\b[qdv]\d+\b")
ON_STACK = re.compile(r"\(%r[sb]p[,)]|\[(?:sp|x29|fp)\b")


@dataclass(frozen=True)
class Instruction:
    """One line of a listing.

    Attributes:
        address: in its section.
        code: its bytes as the disassembler writes them.
        name: mnemonic.
        operands: as the disassembler writes them.
    """

    address: int
    code: str
    name: str
    operands: str

    @property
    def jumps_to(self) -> int | None:
        """Where a direct jump inside the section goes."""
        is_jump = self.name.startswith(("j", "b", "cb", "tb", "loop")) and not self.is_call
        target = JUMP_TARGET.search(self.operands) if is_jump else None
        return int(target[1], 16) if target else None

    @property
    def ends_the_flow(self) -> bool:
        """Whether the next instruction is reached from elsewhere only."""
        return self.name in ("jmp", "jmpq", "ret", "retq", "b", "br", "b.n", "b.w", "bx", "ud2")

    @property
    def is_call(self) -> bool:
        return self.name in ("call", "callq", "bl", "blx", "blr")

    @property
    def moves_a_vector_on_the_stack(self) -> bool:
        return bool(ON_STACK.search(self.operands) and VECTOR.search(self.operands))


@dataclass(frozen=True)
class Function:
    """A function of an object file, in the order of its addresses."""

    name: str
    instructions: tuple[Instruction, ...]


def functions(objdump: str, file: Path) -> list[Function]:
    """Disassemble an object file or a library."""
    listing = subprocess.run(
        [objdump, "-d", "--wide", str(file)], capture_output=True, text=True, check=True
    ).stdout
    found: list[Function] = []
    name, lines = "", list[Instruction]()
    for line in [*listing.splitlines(), "0 <end>:"]:
        if start := FUNCTION.fullmatch(line):
            if lines:
                found.append(Function(name, tuple(lines)))
            name, lines = start[1], []
        elif match := LINE.match(line):
            address, code, mnemonic, operands = match.groups()
            lines.append(Instruction(int(address, 16), code.strip(), mnemonic, operands))
    return found


def innermost_loops(function: Function) -> list[tuple[Instruction, ...]]:
    """Loops that hold no other loop, each as its instructions in the order of their addresses.

    A loop is a strongly connected part of the flow graph; without its first instruction (the entry,
    as compilers lay code out) what is left falls apart, or holds the loops inside.
    """
    code = {i.address: i for i in function.instructions}
    found = [
        tuple(code[address] for address in sorted(part))
        for part in _innermost(_flow(function), set(code))
    ]
    return sorted(found, key=lambda body: body[0].address)


def _flow(function: Function) -> dict[int, list[int]]:
    """Instruction -> those that may follow it, calls taken as plain instructions."""
    addresses = [i.address for i in function.instructions]
    following = dict(pairwise(addresses))
    flow: dict[int, list[int]] = {}
    for i in function.instructions:
        after = [] if i.ends_the_flow else [following.get(i.address, -1)]
        flow[i.address] = [a for a in (*after, i.jumps_to) if a in following or a == addresses[-1]]
    return flow


def _innermost(flow: dict[int, list[int]], within: set[int]) -> list[set[int]]:
    found: list[set[int]] = []
    for part in _cycles(flow, within):
        inside = _innermost(flow, part - {min(part)})
        found += inside or [part]
    return found


def _cycles(flow: dict[int, list[int]], within: set[int]) -> list[set[int]]:
    """Strongly connected parts that hold a cycle (Kosaraju), followed without recursion."""
    order: list[int] = []
    seen: set[int] = set()
    for root in within:
        stack = [(root, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(n, False) for n in flow[node] if n in within and n not in seen]
    backward: dict[int, list[int]] = {node: [] for node in within}
    for node in within:
        for n in flow[node]:
            if n in within:
                backward[n].append(node)
    parts: list[set[int]] = []
    for root in reversed(order):
        if root not in seen:
            continue
        part, pending = set[int](), [root]
        while pending:
            node = pending.pop()
            if node in seen:
                seen.discard(node)
                part.add(node)
                pending += backward[node]
        if len(part) > 1 or root in flow[root]:
            parts.append(part)
    return parts


def spilling_loops(function: Function) -> list[tuple[int, float]]:
    """(address, share of vector moves on the stack) of innermost loops that multiply vectors."""
    return [
        (body[0].address, sum(i.moves_a_vector_on_the_stack for i in body) / len(body))
        for body in innermost_loops(function)
        if any(MULTIPLIES.fullmatch(i.name) and VECTOR.search(i.operands) for i in body)
    ]
