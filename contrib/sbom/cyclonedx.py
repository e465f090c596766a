"""Makes CycloneDX of `cargo metadata` (stdin), Cargo.lock (its path) and `cargo tree` (LINKED)."""

import datetime
import json
import os
import sys
import tomllib


def main():
    metadata = json.load(sys.stdin)
    with open(sys.argv[1], "rb") as file:
        locked = tomllib.load(file)["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    # The metadata's own graph also holds what only a test's feature brings in; the tree does not.
    linked = {tuple(line.split()[:2]) for line in os.environ["LINKED"].splitlines() if line.strip()}
    packages = {
        package["id"]: package
        for package in metadata["packages"]
        if (package["name"], f"v{package['version']}") in linked
    }
    root = metadata["resolve"]["root"]
    libraries = sorted(
        (package for identity, package in packages.items() if identity != root),
        key=lambda package: (package["name"], package["version"]),
    )
    if len(libraries) != len(linked) - 1:
        sys.exit("cargo tree and cargo metadata do not name the same packages")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {**when(), "component": component(packages[root], "application", checksums)},
        "components": [component(package, "library", checksums) for package in libraries],
        "dependencies": dependencies(metadata["resolve"]["nodes"], packages),
    }
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()


def when():
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return {}
    time = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
    return {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ")}


def component(package, kind, checksums):
    checksum = checksums[package["name"], package["version"]]
    entry = {"type": kind, "bom-ref": purl(package), "name": package["name"]}
    entry["version"] = package["version"]
    if package["description"]:
        entry["description"] = " ".join(package["description"].split())
    entry["scope"] = "required"
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    # Old crates part alternatives with a slash.
    entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    entry["purl"] = purl(package)
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


def purl(package):
    # A plus sign begins build metadata in a version and means a space in a URL.
    return f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"


def dependencies(nodes, packages):
    entries = []
    for node in nodes:
        if node["id"] not in packages:
            continue
        needed = {
            purl(packages[dependency["pkg"]])
            for dependency in node["deps"]
            if dependency["pkg"] in packages
            and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        }
        entries.append({"ref": purl(packages[node["id"]]), "dependsOn": sorted(needed)})
    return sorted(entries, key=lambda entry: entry["ref"])


if __name__ == "__main__":
    main()
