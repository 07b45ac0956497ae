"""`doit boot host=NAME config=DIR`: a host in a virtual machine, to look at and to work with."""

from __future__ import annotations

from typing import Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.commands.config_disk import default_target, required, wanted_of
from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory

SSH_PORT = "2222"


class Boot(PlainCommand):
    """doit's command."""

    name = "boot"
    doc_purpose = "start a host in a virtual machine: the CD, its disk, console and ssh"
    doc_usage = "host=NAME config=DIR [recipe=NAME] [svn=URL] [ssh=PORT] [keep=yes]"
    doc_description = (
        "Makes the host's disk as config-disk does (out/RECIPE/disks/NAME.img; keep=yes takes the one that is there), "
        "and starts the CD of the recipe with it in QEMU, the serial console on this terminal. Port 2222 of this "
        "machine, or ssh=PORT, leads to the host's port 22. Ctrl-A X ends it. Exit status: QEMU's own."
    )
    examples = ("boot host=dom0.example.org config=racks/checkout recipe=standin",)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Make the disk, say how to go on, start the machine."""
        from glassmaster.commands.recipes import recipe_of, words_asked_for
        from glassmaster.config.disk import write_host_disk
        from glassmaster.config.machine import (
            AUTHORIZED_KEYS,
            Interactive,
            interactive_command,
            lets_root_in,
            network_of,
        )
        from glassmaster.config.tree import read_config_tree
        from glassmaster.errors import GlassmasterError
        from glassmaster.images.grub import HOTKEYS
        from glassmaster.places import Places
        from glassmaster.run import run_interactive

        if pos_args:
            raise InvalidCommand(f"boot takes no {pos_args[0]!r}, but host=NAME config=DIR")
        host, folder = required("host", self.name), required("config", self.name)
        try:
            words = words_asked_for()
            if len(words) != 1:
                raise InvalidCommand(f"boot takes one recipe, not {', '.join(words)}")
            loaded = recipe_of(words[0])
            iso, disk = Places(loaded.name).iso, default_target(loaded, host)
            if not iso.exists():
                raise InvalidCommand(f"there is no {iso}\n  build it: ./doit iso recipe={words[0]}")
            tree = read_config_tree(caller_directory() / folder)
            if str(get_var("keep", "")) != "yes" or not disk.exists():
                write_host_disk(tree, host, wanted_of(loaded, tree, host), disk)
            smoke, network = loaded.recipe.smoke, network_of(tree.host(host))
            machine = Interactive(iso, disk, smoke.memory, smoke.cpu, smoke.machine, network, port())
            print(f"console: press {HOTKEYS['serial']} in the boot menu; Ctrl-A X ends the machine")
            when = "" if lets_root_in(tree.host(host)) else f", when there is a key in {AUTHORIZED_KEYS}"
            print(f"ssh -p {machine.ssh_port} root@127.0.0.1 gets to {network.address}{when}", flush=True)
            return run_interactive(interactive_command(machine))
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error


def port() -> int:
    """The number of ssh=PORT."""
    text = str(get_var("ssh", SSH_PORT))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise InvalidCommand(f"ssh={text}: expected the number of a port, 1 to 65535")
    return int(text)
