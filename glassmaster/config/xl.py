"""The xl configuration that a domu.conf becomes: docs/domu-conf.md, "What becomes of it"; xl.cfg(5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from glassmaster.config.domuconf import DomU

Access = Literal["r", "w"]
DEVICES = {"root": "xvda", "config": "xvdb", "swap": "xvdc"}
DATA_DEVICES = ("xvdd", "xvde", "xvdf", "xvdg", "xvdh", "xvdi", "xvdj", "xvdk")


def xl_configuration(name: str, domu: DomU, attach: Callable[[str, Access], str]) -> str:
    """The text of NAME.xl. `attach` makes a device of an image (any path that is not below /dev/) and returns it."""
    disks = []
    data_devices = iter(DATA_DEVICES)
    for key, path in domu.disks():
        device = DEVICES[key] if key in DEVICES else next(data_devices)
        access: Access = "r" if key == "root" else "w"
        source = path if path.startswith("/dev/") else attach(path, access)
        disks.append(f'"phy:{source},{device},{access}"')
    lines = [
        f"# {name}: made from its domu.conf; what is changed here is lost.",
        f'name = "{name}"',
        'type = "pv"',
        f'kernel = "{domu.kernel}"',
        *([f'extra = "{domu.arguments}"'] if domu.arguments else []),
        f"memory = {domu.memory}",
        f"vcpus = {domu.vcpus}",
        *([f'vif = [ "mac={domu.mac},bridge={domu.bridge}" ]'] if domu.mac else []),
        f"disk = [ {', '.join(disks)} ]",
        'on_poweroff = "destroy"',
        'on_reboot = "restart"',
        'on_crash = "destroy"',
    ]
    return "\n".join(lines) + "\n"
