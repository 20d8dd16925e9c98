"""The demo catalogue of controls: one table a field of work.

Ids and facts are those that Secure Score uses or could use; every sentence is ours.
"""

from stanchion.demo.controls.apps import APP_CONTROLS
from stanchion.demo.controls.control import Category, Control, Population
from stanchion.demo.controls.data import DATA_CONTROLS
from stanchion.demo.controls.device import DEVICE_CONTROLS
from stanchion.demo.controls.directory import DIRECTORY_CONTROLS
from stanchion.demo.controls.mail import MAIL_CONTROLS
from stanchion.demo.controls.signin import SIGNIN_CONTROLS

CONTROLS: tuple[Control, ...] = (
    *SIGNIN_CONTROLS,
    *DIRECTORY_CONTROLS,
    *MAIL_CONTROLS,
    *APP_CONTROLS,
    *DATA_CONTROLS,
    *DEVICE_CONTROLS,
)

__all__ = ["CONTROLS", "Category", "Control", "Population"]
