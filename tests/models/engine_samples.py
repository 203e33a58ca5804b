"""Models and requests that the tests of the engine share."""

import threading
from dataclasses import replace

from models.catalog import get_card
from models.engine import Engine, Request
from models.memory import Budget, Bytes
from models.types import Selection
from tests.fakes import FakeEncodingModel
from tests.stimuli import as_stimulus, uniform

LONG_S = 30  # a wait that ends early unless something hangs
SETTINGS = get_card("reference-vision").default_settings()
GREYS = tuple(as_stimulus(uniform(4, level), f"grey {level}") for level in range(8))
ROOMY = Budget(10**9, 10**8, 10**9)


class Pictures(FakeEncodingModel):
    """A fake whose rows are independent, with a device and a size of its own.

    It holds its size from the first use until it is closed, as real models do.
    """

    has_independent_rows = True

    def __init__(self, card=None, device="cpu", size=Bytes()):  # noqa: B008 - frozen
        super().__init__(card)
        self.device, self.size = device, size
        self.is_open = False
        self.n_closed = 0
        self.looked_at = []
        self.sha256 = "0" * 64

    @property
    def device_name(self):
        return self.device

    @property
    def held(self):
        return self.size if self.is_open else Bytes()

    def features(self, stimuli, settings, *others, **named):
        self.is_open = True
        self.looked_at.append([stimulus.name for stimulus in stimuli])
        return super().features(stimuli, settings, *others, **named)

    def close(self):
        self.is_open = False
        self.n_closed += 1

    def features_sha256(self, subjects=()):
        return self.sha256


class House:
    """An engine over several models, each a row that poses as ``reference-vision``."""

    def __init__(self, monkeypatch, models, **options):
        self.models = models
        self.loads = []
        self.lock = threading.Lock()
        self.before_load = lambda model_id: None
        card = get_card("reference-vision")
        self.cards = {name: replace(card, id=name) for name in models}
        monkeypatch.setattr("models.engine.get_card", self.cards.__getitem__)
        for name, model in models.items():
            model.card = self.cards[name]
        self.engine = Engine(load=self.load, **{"budget": ROOMY, **options})

    def load(self, card):
        with self.lock:
            self.loads.append(card.id)
        self.before_load(card.id)
        return self.models[card.id]

    def request(self, model_id, stimuli=GREYS[:1], regions=(), **settings):
        chosen = SETTINGS.replace(**settings)
        return Request(model_id, tuple(stimuli), Selection(("average",), regions), chosen)

    def predict(self, *question, **options):
        return self.engine.predict(self.request(*question, **options))[0]

    def close(self):
        for model in self.models.values():
            model.gate.set()
        self.engine.close()
