"""What a kernel must be configured with: each way in which one can be wrong stops the build."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.embedded import ConfigFile, EmbeddedConfig
from glassmaster.inputs.kernel.expected import require_config
from glassmaster.recipe.model import Kernel

STOCK = ConfigFile("arch/amd64/conf/XEN3_DOM0", ("config\tnetbsd\troot on ? type ?",))
CD = "config netbsd root on cd0a type cd9660 dumps on none"
USB = "netbsd-usb root on sd0a type cd9660"
INCLUDE = 'include "arch/amd64/conf/XEN3_DOM0"'
Make = Callable[..., Kernel]


def config(*lines: str) -> EmbeddedConfig:
    return EmbeddedConfig(ConfigFile("../conf/DOM0CD", lines), (STOCK,))


def test_a_built_one_has_the_recipes_lines(kernel: Make) -> None:
    require_config(config(INCLUDE, "no config netbsd", CD.replace(" root", "\t root")), kernel(), "dom0", "netbsd")
    both = kernel(config=("netbsd root on cd0a type cd9660 dumps on none", USB))
    require_config(config(INCLUDE, "no config netbsd", f"config {USB}", CD), both, "dom0", "netbsd")


@pytest.mark.parametrize(
    "lines",
    [
        (INCLUDE, "no config netbsd"),
        (INCLUDE, "no config netbsd", "config netbsd root on cd0a type ? dumps on none"),
        (INCLUDE, "no config netbsd", CD, f"config {USB}"),
        (INCLUDE, "no config netbsd", f"#{CD}"),
        # Only the stock one, though the right one stands there too.
        (CD, "no config netbsd", INCLUDE),
        (INCLUDE,),
    ],
)
def test_a_built_one_with_anything_else(lines: tuple[str, ...], kernel: Make) -> None:
    with pytest.raises(GlassmasterError) as error:
        require_config(config(*lines), kernel(), "dom0", "kernel DOM0CD")
    text = str(error.value)
    assert "the dom0 kernel is not configured as the recipe says" in text
    assert "the recipe's kernel.build.config:\n    config netbsd root on cd0a type cd9660 dumps on none" in text
    assert "in the kernel:" in text


def test_a_stock_one(kernel: Make) -> None:
    stock = EmbeddedConfig(STOCK, ())
    require_config(stock, kernel("prebuilt"), "domu", "netbsd")
    require_config(config(INCLUDE), kernel("prebuilt"), "domu", "netbsd")
    with pytest.raises(GlassmasterError, match=r"in the kernel:\n +config netbsd root on \? type \?"):
        require_config(stock, kernel(), "dom0", "netbsd")


@pytest.mark.parametrize("lines", [(INCLUDE, "no config netbsd", CD), (), (INCLUDE, f"config {USB}")])
def test_a_prebuilt_one_that_is_not_stock(lines: tuple[str, ...], kernel: Make) -> None:
    with pytest.raises(GlassmasterError, match=r"not a stock domu kernel\n  expected:\n +config netbsd root on \? …"):
        require_config(config(*lines), kernel("prebuilt"), "domu", "netbsd")
