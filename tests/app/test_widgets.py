import pytest
from streamlit.testing.v1 import AppTest

from models.catalog import get_card


def pickers() -> None:
    import streamlit as st

    from app import state, widgets
    from models.catalog import get_card

    card = get_card("reference-vision")
    models = [
        widgets.Choice("a", "Model A"),
        widgets.Choice("b", "Model B"),
        widgets.Choice("c", "Model C", "needs about 2 GB"),
    ]
    model = widgets.pick_one("Model", models, state.recall("model-before") or "a", "model")
    state.remember("model-before", model)
    widgets.pick_one("Brain", [widgets.Choice("average", "Average brain")], "average", "brain")
    regions = widgets.pick_regions(
        card,
        "average",
        {"Early": ("V1", "V2", "V3"), "Ventral": ("hV4",)},
        ("V2",),
    )
    side = widgets.pick_hemisphere("both")
    names = [setting.name for setting in card.settings]
    given = card.default_settings().replace(visual_angle_deg=16.0)
    settings = widgets.pick_settings(card, given, names)
    if st.button("drag"):
        state.put(widgets.setting_key("other", "x"), 1.0)
    st.text(f"{model} {regions} {side} {settings.as_dict()}")


@pytest.fixture
def test_page() -> AppTest:
    test = AppTest.from_function(pickers).run()
    assert not test.exception
    return test


def test_value_in_is_value_out(test_page):
    text = test_page.text[0].value
    assert "('V2',) both" in text
    assert "'visual_angle_deg': 16.0" in text


def test_every_setting_of_the_card_is_drawn_with_its_help(test_page):
    drawn = [*test_page.slider, *test_page.number_input, *test_page.toggle, *test_page.selectbox]
    helps = {widget.help for widget in drawn}
    assert {setting.help for setting in get_card("reference-vision").settings} <= helps


def test_a_changed_slider_comes_out(test_page):
    test_page.slider[0].set_value(4.5).run()
    assert "'visual_angle_deg': 4.5" in test_page.text[0].value


def test_group_and_low_confidence_stand_beside_a_region(test_page):
    options = test_page.multiselect[0].options
    assert "V1 · Early" in options
    assert "hV4 · Ventral · low confidence" in options


def entry(test_page, name):
    return next(button for button in test_page.button if button.key == f"model:{name}")


def test_one_entry_is_words_and_not_a_picker(test_page):
    assert test_page.caption[0].value == "Brain: Average brain"
    assert [button.key for button in test_page.button if "brain" in str(button.key)] == []


def test_an_entry_that_is_not_ready_is_greyed_with_its_reason_and_a_link(test_page):
    assert [entry(test_page, name).disabled for name in "abc"] == [False, False, True]
    assert entry(test_page, "c").label == "Model C · needs about 2 GB"
    assert [link.proto.page for link in test_page.get("page_link")] == ["models"]


def test_a_picked_entry_comes_out_and_stays(test_page):
    entry(test_page, "b").click().run()
    assert test_page.text[0].value.startswith("b ")
    test_page.run()
    assert test_page.text[0].value.startswith("b ")


def test_the_browser_gets_the_value_as_default_for_widgets_it_builds_later(test_page):
    contrast = next(one for one in test_page.slider if one.label.startswith("Second-order"))
    assert contrast.proto.default == [1.0]
    assert test_page.slider[0].proto.default == [16.0]
    assert list(test_page.multiselect[0].proto.default) == [1]
