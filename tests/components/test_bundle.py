"""Many modules in one file: same exports, own scopes, other forms refused."""

import shutil
import subprocess

import pytest

from components.bundle import bundle

NODE = shutil.which("node")

FILES = {
    "a/main.js": (
        'import { twice, half as halved } from "./numbers.js";\n'
        'import * as words from "../shared/words.js";\n'
        "const factor = 10; // also the name of a constant in numbers.js\n"
        "export const answer = () => words.say(twice(factor) + halved(factor));\n"
        "export class Box {}\n"
        "export const { lid: cover, side } = { lid: 1, side: 2 };\n"
    ),
    "a/numbers.js": (
        'import {\n  say,\n} from "../shared/words.js";\n'
        "const factor = 2;\n"
        "export function twice(value) { return factor * value; }\n"
        "function half(value) { return value / factor; }\n"
        'export { half };\nexport const spoken = say("x");\n'
    ),
    "shared/words.js": "export const say = (value) => `<${value}>`;\n",
}


if NODE:

    def test_a_bundle_does_what_its_modules_do(tmp_path):
        code = (
            bundle("a/main.js", FILES)
            + "console.log(answer(), new Box().constructor.name, cover + side);\n"
        )
        (tmp_path / "program.mjs").write_text(code, encoding="utf-8")
        done = subprocess.run(
            [NODE, tmp_path / "program.mjs"], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "<25> Box 3"


def test_each_module_is_there_once():
    assert bundle("a/main.js", FILES).count("shared/words.js") == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('import main from "./numbers.js";\n', "import main from"),
        ("export default 5;\n", "export default 5"),
        ("export let count = 0;\n", "export let count"),
        ('export * from "./numbers.js";\n', "export \\* from"),
        ('import { gone } from "./gone.js";\n', "a/gone.js, which is absent"),
        ('import { answer } from "./main.js";\n', "in a circle: a/main.js -> a/main.js"),
    ],
)
def test_what_is_not_understood_is_refused(source, words):
    with pytest.raises(ValueError, match=words):
        bundle("a/main.js", {**FILES, "a/main.js": source})
