from streamlit.testing.v1 import AppTest

from models.catalog import list_cards


def page() -> None:
    from app.views import about

    about.render()


def test_about_says_what_it_is_not_and_shows_every_models_terms():
    test = AppTest.from_function(page).run()
    assert not test.exception
    words = "\n".join(element.value for kind in (test.markdown, test.caption) for element in kind)
    assert "Predicted, not measured" in words
    assert "no diagnosis" in words
    for card in list_cards():
        assert card.licence in words
        assert card.long_caveat in words
