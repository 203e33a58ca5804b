"""The one error tree of the project.

::

    BoldcastError
    ├── StimulusError            the picture or transcript cannot be used
    ├── ParameterError           what was asked for cannot be had
    │   ├── SelectionError       subject, region or index mask cannot be used
    │   │   └── UnknownRegionError   the name is not in the atlas
    │   └── SettingError         a setting is unknown or out of range
    ├── ModelNotFoundError       no catalog row has this id
    ├── SpaceMismatchError       two things live in different spaces
    ├── RenderError              a picture could not be drawn on this machine
    ├── ResourceError            memory or disk is not enough (DiskFullError is one, too)
    │   └── DeviceMemoryError    not even one item fits into the memory of the device
    ├── WeightsError             files of a model are absent or unusable
    │   ├── HashMismatchError
    │   ├── OfflineError
    │   ├── UnsafePickleError
    │   └── DiskFullError
    └── Cancelled                the visitor asked to stop

Raise low, with what was expected and what was received; catch once, at the
view's edge, through ``app.messages``.
"""

__all__ = [
    "BoldcastError",
    "Cancelled",
    "DeviceMemoryError",
    "DiskFullError",
    "HashMismatchError",
    "ModelNotFoundError",
    "OfflineError",
    "ParameterError",
    "RenderError",
    "ResourceError",
    "SelectionError",
    "SettingError",
    "SpaceMismatchError",
    "StimulusError",
    "UnknownRegionError",
    "UnsafePickleError",
    "WeightsError",
]


class BoldcastError(Exception):
    """Base of every error this project raises on purpose; its text is fit for a visitor."""


class StimulusError(BoldcastError):
    """The picture or transcript cannot be used; the text says why and what to do."""


class ParameterError(BoldcastError):
    """What was asked for cannot be had: a subject, a place, a setting, an argument."""


class SelectionError(ParameterError):
    """Subject, region or index mask cannot be used."""


class UnknownRegionError(SelectionError):
    """The region is not in the atlas; the text lists near matches."""


class SettingError(ParameterError):
    """A setting is unknown, of the wrong type or out of its range."""


class ModelNotFoundError(BoldcastError):
    """No catalog row has this id."""


class SpaceMismatchError(BoldcastError):
    """Two things that must share a space do not."""


class RenderError(BoldcastError):
    """A picture could not be drawn on this machine; the text names what is missing."""


class ResourceError(BoldcastError):
    """Memory or disk is not enough."""


class DeviceMemoryError(ResourceError):
    """Not even one item fits into the memory of the device; the text says what to do."""


class WeightsError(BoldcastError):
    """Files of a model are absent or unusable."""


class HashMismatchError(WeightsError):
    """A file is not the one that was recorded."""


class OfflineError(WeightsError):
    """A file is needed and the network is not there."""


class UnsafePickleError(WeightsError):
    """A file holds code where only arrays are allowed."""


class DiskFullError(WeightsError, ResourceError):
    """No room is left on the disk."""


class Cancelled(BoldcastError):  # noqa: N818 - a request granted, not a fault
    """The visitor asked to stop."""
