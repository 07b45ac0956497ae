"""What must be there before the commands of a page are run, in a copy of the repository with the stand-in built."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable

from glassmaster.config.layout import make_config_tree
from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.store import Store
from tests.build.conftest import Clone
from tests.docs.world import World
from tests.fleet.conftest import line
from tests.release.conftest import make_key, make_up_results, signers_for

STANDIN_KERNEL = "build/standin/mirror/NetBSD-standin-1/amd64/binary/kernel/netbsd-XEN3_DOM0.gz"


def readme(world: World) -> None:
    (world.project / "path/to").mkdir(parents=True)
    (world.project / "path/to/racks.yaml").write_text("extends: standin.yaml\n")
    shutil.copy(world.project / "recipes/standin.yaml", world.project / "path/to/standin.yaml")


def commands(world: World) -> None:
    world.replace = {
        "/mnt/netbsd": STANDIN_KERNEL,
        "/srv/racks/other": str(world.project / "other"),
        "DIR/_doit": "_doit",
    }
    (world.home / ".config/fish/completions").mkdir(parents=True)


def config_trees(world: World) -> None:
    """The example, then with the second domu.conf that was copied carelessly, then as it was."""
    conf = world.project / "racks/checkout/pservers/dom0.example.org/domUs/mail/domu.conf"

    def spoil() -> None:
        conf.parent.mkdir()
        shutil.copy(conf.parents[1] / "web/domu.conf", conf)

    def mend() -> None:
        shutil.rmtree(conf.parent)

    check = "./doit config-check racks/checkout"
    world.before = {check: [lambda: None, spoil], f"{check} recipe=standin": [mend]}


def fleet(world: World) -> None:
    make_config_tree(world.project / "racks")
    for name, release in (("dom0.example.org", "0123456789ab"), ("web", "aaaa33d1c2e5")):
        path = world.project / "share" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(line(name, release=release))
    published = world.project / "cds/racks/3/release.json"
    published.parent.mkdir(parents=True)
    published.write_text(json.dumps({"recipe": "racks", "release_id": "0123456789ab", "epoch": 300}))


def howto(world: World) -> None:
    (world.project / "share").mkdir()
    (world.project / "share/dom0.example.org").write_text(line("dom0.example.org", recipe="standin"))
    (world.project / "share/web").write_text(line("web", recipe="standin"))


def diff(world: World) -> None:
    shutil.copytree(world.project / "out/standin", world.project / "burnt")


def rollout(world: World) -> None:
    (world.project / "recipes/racks.yaml").write_text("extends: standin.yaml\n")
    (world.home / ".ssh").mkdir(mode=0o700)
    key = world.home / ".ssh/release"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)


def store(world: World) -> None:
    """A file that no lock names, one that is damaged, and a bundle."""
    files = Store(world.store)
    files.add([b"nobody wants this"], what="x")
    world.replace = {"/media/racks.tar": "racks.tar"}
    kernel = next(item for item in read_lock(world.project / "recipes/standin.lock").inputs if "DOM0" in item.name)
    whole = files.path(kernel.sha512).read_bytes()

    def damage() -> None:
        files.path(kernel.sha512).write_bytes(b"x" + whole[1:])

    def mend() -> None:
        files.path(kernel.sha512).write_bytes(whole)

    world.before = {"./doit store verify": [damage], "./doit store export racks.tar recipe=standin": [mend]}


RELEASE = "GLASSMASTER_SIGNING_KEY=~/.ssh/cd ./doit release without=repro previous=old-release"


def _release(world: World) -> None:
    """What a release is asked for: a key, results, the one before."""
    make_up_results(Clone(world.project, world.store))
    (world.home / ".ssh").mkdir()
    signers_for(make_key(world.home / ".ssh", "cd"), world.project / "signers")
    before = Clone(world.project, world.store)
    built = before.doit("iso", f"recipe={before.recipe('before', 'description: the one before')}")
    assert built.returncode == 0, built.stdout
    (world.project / "out/before").rename(world.project / "old-release")
    for name in ("before.yaml", "before.lock"):
        (world.project / "recipes" / name).unlink()
    shutil.rmtree(world.project / "build/before")


def release(world: World) -> None:
    """Then without the results."""
    (world.project / "stick.img").write_bytes(bytes(9 << 20))
    results = world.project / "out/standin/smoke/smoke.json"
    world.before = {RELEASE: [lambda: _release(world)], "./doit release": [results.unlink]}


def verify(world: World) -> None:
    _release(world)
    status, said = world.run(RELEASE)
    assert status == 0, said


PREPARATIONS: dict[str, Callable[[World], None]] = {
    "README.md": readme,
    "docs/commands.md": commands,
    "docs/config-trees.md": config_trees,
    "docs/diff.md": diff,
    "docs/fleet.md": fleet,
    "docs/howto.md": howto,
    "docs/release.md": release,
    "docs/rollout.md": rollout,
    "docs/store.md": store,
    "docs/verify.md": verify,
}
