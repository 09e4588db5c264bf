#!/usr/bin/env python3
"""Makes the C sources of all protobuf messages: Temporal's API, gRPC's own services, Skald's records.

Temporal's descriptors come from the Python wheel pinned in tools/api.lock. The wheel's *_pb2.py
files hold serialized FileDescriptorProtos as bytes literals; they are read as text (ast), never
imported, so no code of the package runs. Together with the descriptors of proto/ (ours, and the few
of Google's that the wheel leaves out) they go to protoc and protoc-gen-c.

Two sets are made. The C sources come from a patched one, in which the fields of TEXT_AS_BYTES are
bytes, since protobuf-c strings end at NUL and free text may hold one. The set embedded for
reflection and JSON keeps the true types.

Output, all in --out:
  **/*.pb-c.[ch]  api.binpb  api_descriptors.S  api_types.[ch]  license.txt  sources.txt
"""

import argparse
import ast
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Free text that may hold U+0000. Full message name: field names.
TEXT_AS_BYTES = {
    "temporal.api.failure.v1.Failure": ["message", "stack_trace"],
    "temporal.api.workflowservice.v1.TerminateWorkflowExecutionRequest": ["reason"],
    "temporal.api.workflowservice.v1.RequestCancelWorkflowExecutionRequest": ["reason"],
    "temporal.api.history.v1.WorkflowExecutionTerminatedEventAttributes": ["reason"],
    "temporal.api.history.v1.WorkflowExecutionCancelRequestedEventAttributes": ["cause"],
    "temporal.api.command.v1.RequestCancelExternalWorkflowExecutionCommandAttributes": ["reason"],
    "temporal.api.history.v1."
    "RequestCancelExternalWorkflowExecutionInitiatedEventAttributes": ["reason"],
}

# Files of the wheel that are wanted; what they import follows.
API_ROOTS = (
    "temporal/api/workflowservice/",
    "temporal/api/operatorservice/",
    "temporal/api/testservice/",
    "temporal/api/errordetails/",
    "temporal/api/sdk/",
    "temporal/api/export/",
    "temporal/api/protocol/",
)

TYPE_STRING, TYPE_BYTES = 9, 12


# ---- the little of protobuf's encoding that is needed: fields of a message, in order ----

def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def parse(data):
    """[(number, wire type, value)]: ints for varints, bytes for the rest."""
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = read_varint(data, at)
        elif wire == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            size = {1: 8, 5: 4}[wire]
            value, at = data[at:at + size], at + size
        fields.append((number, wire, value))
    return fields


def serialize(fields):
    out = bytearray()
    for number, wire, value in fields:
        out += varint(number << 3 | wire)
        if wire == 0:
            out += varint(value)
        else:
            out += (varint(len(value)) if wire == 2 else b"") + value
    return bytes(out)


def get(fields, number):
    return [value for n, _, value in fields if n == number]


def text(fields, number):
    return get(fields, number)[0].decode() if get(fields, number) else ""


# ---- the wheel ----

def locked(lock):
    line = next(s for s in lock.read_text().splitlines() if s.strip() and s[0] != "#")
    match = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:([0-9a-f]{64})", line.strip())
    if not match:
        sys.exit(f"{lock}: want name==version --hash=sha256:<64 hex digits>, got: {line}")
    return match.groups()


def find_wheel(lock, given):
    """The pinned wheel: given, cached, or downloaded by pip; its checksum is always compared."""
    name, version, digest = locked(lock)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "skald" / "api"

    def good(path):
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest

    if given:
        path = pathlib.Path(given)
        if not good(path):
            sys.exit(f"{path}: its SHA-256 is not the one in {lock}")
        return path
    for path in folder.glob(f"{name}-{version}-*.whl"):
        if good(path):
            return path
    folder.mkdir(parents=True, exist_ok=True)
    print(f"fetching {name} {version} with pip (once; kept in {folder})", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder) as temp:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", "3.10",
            "--implementation", "cp", "--abi", "abi3", "--platform", "manylinux2014_x86_64",
            "--dest", temp, "--requirement", str(lock),
        ]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"pip could not download {name} {version}. Without network: fetch the wheel "
                     "elsewhere and configure with -Dapi_wheel=<path>.")
        wheel = next(pathlib.Path(temp).glob("*.whl"))
        if not good(wheel):
            sys.exit(f"{wheel.name}: its SHA-256 is not the one in {lock}")
        return wheel.replace(folder / wheel.name)


def api_license(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n.endswith("/api_upstream/LICENSE")]
        return archive.read(names[0] if names else "LICENSE")


def wheel_files(wheel):
    """{proto path: serialized FileDescriptorProto}"""
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            if entry.startswith("temporalio/api/") and entry.endswith("_pb2.py"):
                for node in ast.walk(ast.parse(archive.read(entry))):
                    if isinstance(node, ast.Call) and \
                            getattr(node.func, "attr", "") == "AddSerializedFile":
                        data = ast.literal_eval(node.args[0])
                        files[text(parse(data), 1)] = data
    if not files:
        sys.exit(f"{wheel}: holds no descriptors")
    return files


# ---- descriptor sets ----

def compile_protos(protoc, names, options):
    """{proto path: descriptor} of the named files and all they import."""
    with tempfile.NamedTemporaryFile() as out:
        command = [protoc, *options, "--include_imports", f"--descriptor_set_out={out.name}"]
        if subprocess.run([*command, *names]).returncode != 0:
            sys.exit("protoc failed")
        data = pathlib.Path(out.name).read_bytes()
    return {text(parse(d), 1): d for d in get(parse(data), 1)}


def add_own_files(files, protoc, proto_dir):
    """Add the descriptors of proto/ and of the standard files; returns their names. Skald's
    records import the API's messages, which exist as descriptors only, so they come second."""
    names = sorted(str(p.relative_to(proto_dir)) for p in proto_dir.rglob("*.proto"))
    standard = [f"google/protobuf/{n}.proto" for n in
                ("any", "descriptor", "duration", "empty", "field_mask", "struct", "timestamp",
                 "wrappers")]
    foreign = [n for n in names if not n.startswith("skald/")]
    files.update(compile_protos(protoc, foreign + standard, [f"-I{proto_dir}"]))
    records = [n for n in names if n.startswith("skald/")]
    if records:
        with tempfile.NamedTemporaryFile() as known:
            known.write(descriptor_set(files, closure(files, api_roots(files) + standard)))
            known.flush()
            options = [f"-I{proto_dir}", f"--descriptor_set_in={known.name}"]
            files.update(compile_protos(protoc, records, options))
            # with comments: what the service is described by
            service = [n for n in records if n.endswith("/service.proto")]
            commented = compile_protos(protoc, service, [*options, "--include_source_info"])
            files.update({n: commented[n] for n in service})
    return names + standard


def api_roots(files):
    return [name for name in files if name.startswith(API_ROOTS)]


def closure(files, roots):
    """Roots and what they import, imports first."""
    order, seen = [], set()

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        if name not in files:
            sys.exit(f"descriptor of {name} is missing")
        for imported in sorted(d.decode() for d in get(parse(files[name]), 3)):
            visit(imported)
        order.append(name)

    for root in sorted(roots):
        visit(root)
    return order


def patch_message(data, full_name, todo):
    fields = []
    for number, wire, value in parse(data):
        if number == 3:  # nested_type
            value = patch_message(value, f"{full_name}.{text(parse(value), 1)}", todo)
        elif number == 2 and text(parse(value), 1) in todo.get(full_name, ()):
            member = parse(value)
            assert get(member, 5) == [TYPE_STRING], full_name
            todo[full_name].remove(text(member, 1))
            value = serialize([(n, w, TYPE_BYTES if n == 5 else v) for n, w, v in member])
        fields.append((number, wire, value))
    return serialize(fields)


def patched(files, order):
    """The files with TEXT_AS_BYTES applied."""
    todo = {message: list(fields) for message, fields in TEXT_AS_BYTES.items()}
    out = {}
    for name in order:
        fields = parse(files[name])
        package = text(fields, 2)
        out[name] = serialize([
            (n, w, patch_message(v, f"{package}.{text(parse(v), 1)}", todo) if n == 4 else v)
            for n, w, v in fields])
    left = {m: f for m, f in todo.items() if f}
    if left:
        sys.exit(f"TEXT_AS_BYTES names fields that do not exist: {left}")
    return out


def descriptor_set(files, order):
    return serialize([(1, 2, files[name]) for name in order])


def field_numbers(files, order):
    """{(message, field name): number} of the top-level messages."""
    numbers = {}
    for name in order:
        fields = parse(files[name])
        for message in get(fields, 4):
            full = f"{text(fields, 2)}.{text(parse(message), 1)}"
            for member in get(parse(message), 2):
                numbers[full, text(parse(member), 1)] = get(parse(member), 3)[0]
    return numbers


# ---- output ----

TYPES_H = """\
/* Made by tools/gen_api.py: every protobuf type of this binary, by name. */
#ifndef SK_API_TYPES_H
#define SK_API_TYPES_H

#include <protobuf-c/protobuf-c.h>

/* Sorted by full name (strcmp). */
extern const ProtobufCMessageDescriptor *const sk_api_types[];
extern const unsigned sk_api_type_count;

extern const ProtobufCServiceDescriptor *const sk_api_services[];
extern const unsigned sk_api_service_count;

/* Fields that are strings in the API and bytes in C, since they may hold U+0000. */
struct sk_api_text_field {
    const ProtobufCMessageDescriptor *type;
    unsigned field;
};
extern const struct sk_api_text_field sk_api_text_fields[];
extern const unsigned sk_api_text_field_count;

/* The serialized FileDescriptorSet, with the true types. */
extern const unsigned char sk_api_descriptors[], sk_api_descriptors_end[];

#endif
"""


def write(path, content):
    """Write only what changed, so that a repeated run rebuilds nothing."""
    data = content.encode() if isinstance(content, str) else content
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def types_source(out, order, numbers):
    messages, services = {}, {}
    for name in order:
        source = (out / name).with_suffix(".pb-c.c").read_text()
        for kind, found in (("Message", messages), ("Service", services)):
            pattern = (rf"^const ProtobufC{kind}Descriptor (\w+) =\s*\{{\s*"
                       rf"PROTOBUF_C__{kind.upper()}_DESCRIPTOR_MAGIC,\s*\"([^\"]+)\"")
            for symbol, full in re.findall(pattern, source, re.M):
                found[full] = symbol
    lines = ["/* Made by tools/gen_api.py. */", '#include "api_types.h"']
    lines += [f'#include "{name[:-6]}.pb-c.h"' for name in order]
    for kind, variable, found in (("Message", "sk_api_types", messages),
                                  ("Service", "sk_api_services", services)):
        lines.append(f"\nconst ProtobufC{kind}Descriptor *const {variable}[] = {{")
        lines += [f"    &{found[full]}," for full in sorted(found)]
        lines.append(f"}};\nconst unsigned {variable[:-1]}_count = {len(found)};")
    lines.append("\nconst struct sk_api_text_field sk_api_text_fields[] = {")
    count = 0
    for message, fields in TEXT_AS_BYTES.items():
        for field in fields:
            lines.append(f"    {{&{messages[message]}, {numbers[message, field]}}},")
            count += 1
    lines.append(f"}};\nconst unsigned sk_api_text_field_count = {count};\n")
    return "\n".join(lines)


def generate(args):
    wheel = find_wheel(args.lock, args.wheel)
    files = wheel_files(wheel)
    own_roots = add_own_files(files, args.protoc, args.proto)
    order = closure(files, api_roots(files) + own_roots)

    out = args.out
    out.mkdir(parents=True, exist_ok=True)
    write(out / "license.txt", api_license(wheel))
    descriptors = descriptor_set(files, order)
    write(out / "api.binpb", descriptors)
    with tempfile.TemporaryDirectory() as temp:
        temp = pathlib.Path(temp)
        (temp / "c.binpb").write_bytes(descriptor_set(patched(files, order), order))
        (temp / "out").mkdir()
        subprocess.run([args.protoc, f"--descriptor_set_in={temp / 'c.binpb'}",
                        f"--plugin=protoc-gen-c={args.plugin}", f"--c_out={temp / 'out'}", *order],
                       check=True)
        made = {p.relative_to(temp / "out") for p in (temp / "out").rglob("*.pb-c.[ch]")}
        for path in made:
            write(out / path, (temp / "out" / path).read_bytes())
    for stale in {p.relative_to(out) for p in out.rglob("*.pb-c.[ch]")} - made:
        (out / stale).unlink()
    write(out / "api_types.h", TYPES_H)
    write(out / "api_types.c", types_source(out, order, field_numbers(files, order)))
    # the digest makes the source change with what it takes in, which the build does not look at
    write(out / "api_descriptors.S", f"""\
/* Made by tools/gen_api.py. {hashlib.sha256(descriptors).hexdigest()} */
    .section .rodata
    .global sk_api_descriptors, sk_api_descriptors_end
sk_api_descriptors:
    .incbin "{out.resolve()}/api.binpb"
sk_api_descriptors_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
""")
    sources = [f"{name[:-6]}.pb-c.c" for name in order] + ["api_types.c", "api_descriptors.S"]
    write(out / "sources.txt", "\n".join(str(out / s) for s in sources) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the sources")
    parser.add_argument("--lock", type=pathlib.Path, default=root / "tools" / "api.lock")
    parser.add_argument("--proto", type=pathlib.Path, default=root / "proto")
    parser.add_argument("--wheel", default="", help="the wheel, if it is already here")
    parser.add_argument("--protoc", default="protoc")
    parser.add_argument("--plugin", default=shutil.which("protoc-gen-c"))
    generate(parser.parse_args())


if __name__ == "__main__":
    main()
