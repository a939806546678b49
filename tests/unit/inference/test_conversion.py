import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inference.text.conversion import (
    BAG,
    KEYWORDS,
    Conversion,
    Weight,
    grams,
    keyword_strength,
    measures,
    p_conv,
    read_conversion,
    score,
    versioned,
    write_conversion,
)
from schemas.errors import Code, ConfigError


def model(**changed):
    parts = {
        "question": Weight(mean=0.5, scale=0.5, weight=0.3),
        "words": Weight(mean=4.0, scale=2.0, weight=0.0),
        KEYWORDS: Weight(mean=0.0, scale=1.0, weight=1.0),
    }
    fields = {"segments": {}, "ngrams": {"warm": 0.5, "warm wool": 0.25}, "order": 2, "source": {}, "figures": {}}
    return versioned(Conversion(schema=1, version="", attributes=parts, **fields | changed))


def test_it_is_the_sigmoid_of_the_weighted_distance_from_the_mean():
    # Words a, warm, wool and their two pairs: 0.75 over the root of 5; no question lies one scale below its mean.
    expected = 0.75 / 5**0.5 - 0.3
    assert score(model(), "A warm wool") == pytest.approx(expected)
    assert p_conv(model(), "A warm wool") == pytest.approx(1 / (1 + 2.718281828459045**-expected))


def test_a_text_like_the_mean_has_a_half():
    even = model(ngrams={})
    assert (
        p_conv(replace(even, attributes=even.attributes | {"question": Weight(mean=0, scale=1, weight=9)}), "a") == 0.5
    )


@given(st.floats(-3, 3), st.floats(0.01, 3))
def test_more_weight_on_what_a_text_has_is_a_higher_figure(weight, more):
    def at(value):
        return p_conv(model(ngrams={"warm": value}), "A warm coat")

    assert at(weight + more) > at(weight)


def test_a_segment_s_own_weights_are_added_for_it_alone():
    own = model(segments={"student": {"question": -0.6}})
    assert p_conv(own, "Warm?", "student") < p_conv(own, "Warm?", "any") == p_conv(model(), "Warm?")


def test_large_scores_do_not_overflow():
    far = model(ngrams={"warm": 1e6})
    assert p_conv(far, "warm") == 1.0
    assert p_conv(model(ngrams={"warm": -1e6}), "warm") == 0.0


def test_an_n_gram_counts_once_and_longer_texts_are_not_favoured_for_length():
    assert grams("Warm, warm wool", 2) == {"warm", "wool", "warm warm", "warm wool"}
    assert keyword_strength({"warm": 1.0}, 1, "warm") == 1.0
    assert keyword_strength({"warm": 1.0}, 1, "warm a b c") == 0.5
    assert keyword_strength({"warm": 1.0}, 2, "") == 0.0


def test_the_bag_of_words_is_an_attribute_like_the_others():
    parts = model().attributes | {BAG: Weight(mean=0.5, scale=2.0, weight=3.0)}
    with_bag = model(bag={"warm": (1.0, 2.5)})
    assert measures(with_bag, "A warm wool")[BAG] == 2.5
    assert score(with_bag, "A warm wool") == score(model(), "A warm wool")
    weighed = versioned(replace(with_bag, attributes=parts))
    assert score(weighed, "A warm wool") == pytest.approx(score(model(), "A warm wool") + 3.0 * (2.5 - 0.5) / 2.0)


def test_a_model_without_a_bag_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "conversion.json"
    write_conversion(model(), path)
    assert "bag" not in json.loads(path.read_text())
    assert read_conversion(path).bag == {}


def test_the_file_gives_the_model_back(tmp_path):
    path = tmp_path / "conversion.json"
    write_conversion(model(source={"data": "x.csv"}, figures={"pairs": 3}), path)
    read = read_conversion(path)
    assert read == model(source={"data": "x.csv"}, figures={"pairs": 3})
    assert p_conv(read, "A warm wool?") == p_conv(model(), "A warm wool?")


def test_the_version_is_that_of_the_content():
    assert model().version == model().version != model(ngrams={"warm": 0.51}).version
    assert len(model().version) == 16


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (lambda found: found.update(schema=2), "schema", "schema is 2, this version reads 1"),
        (lambda found: found["ngrams"].update(warm=0.6), "version", "not that of version"),
        (lambda found: found.update(surprise=1), "conversion.json", "surprise"),
        (lambda found: found.pop("ngrams"), "conversion.json", "ngrams"),
        (lambda found: found["attributes"]["question"].update(scale=0), "conversion.json", "scale"),
    ],
)
def test_another_file_is_refused_and_says_why(tmp_path, change, where, what):
    path = tmp_path / "conversion.json"
    found = json.loads(msgspec.json.encode(model()))
    change(found)
    path.write_text(json.dumps(found))
    with pytest.raises(ConfigError) as caught:
        read_conversion(path)
    assert caught.value.code is Code.FILE_INVALID
    assert where in caught.value.where
    assert what in caught.value.what


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_conversion(tmp_path / "conversion.json")
    assert caught.value.code is Code.FILE_MISSING
