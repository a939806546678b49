"""A brand's rules: from its file to what breaks them."""

import pytest

from inference.generate.brand import BrandRules, breaches, forgiven, house_style, reserved
from inference.generate.brand_file import read_brand_rules
from inference.generate.record import record_of
from schemas.catalog import Product
from schemas.errors import Code, ConfigError

FILE = """
banned = ["cheap", "you guys"]
forbidden_punctuation = ["…", ";"]
max_exclamation_marks = 0
max_question_marks = 1
claims_allowed = ["organic"]
case = "sentence"

[required]
sms = ["Reply STOP to opt out."]
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "brand.toml"
    path.write_text(FILE)
    return read_brand_rules(path)


def _what(text, rules, channel="push", shown=None):
    found = breaches(text, shown or text.replace("{NAME}", "Kettle"), channel, rules)
    assert all(finding.code is Code.COPY_BRAND for finding in found)
    return [finding.what for finding in found]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A cheap {NAME}.", "'cheap' is banned"),
        ("Hello, you  guys: {NAME}.", "'you guys' is banned"),
        ("{NAME}; shop now.", "';' is forbidden"),
        ("{NAME}! Shop now.", "1 of '!' where 0 may stand"),
        ("{NAME}? Now? Shop.", "2 of '?' where 1 may stand"),
        ("SHOP {NAME}.", "'SHOP' is in capitals"),
        ("Shop now. take a look at {NAME}.", "a sentence begins without a capital"),
    ],
)
def test_each_rule(rules, text, said):
    assert _what(text, rules) == [said]


def test_what_keeps_to_the_rules(rules):
    assert _what("Cheaper by the dozen? {NAME} {IS} for DIY days. Shop now.", rules) == []


def test_a_banned_word_is_banned_in_facts_too_and_names_keep_their_signs(rules):
    assert _what("{NAME}.", rules, shown="Cheap Trick.") == ["'cheap' is banned"]
    assert _what("{NAME}.", rules, shown="YAHOO! Mug.") == []


def test_what_a_channel_has_to_say_is_put_at_the_end(rules):
    text = "Meet {NAME}."
    assert _what(text, rules, "sms") == ["'Reply STOP to opt out.' is missing"]
    whole = house_style(text, "sms", rules)
    assert whole == "Meet {NAME}. Reply STOP to opt out."
    assert _what(whole, rules, "sms") == []
    assert house_style(whole, "sms", rules) == whole
    assert len(whole) - len(text) == reserved("sms", rules)
    assert house_style(text, "push", rules) == text


@pytest.mark.parametrize(
    ("case", "text", "fine"),
    [
        ("title", "Morning Is Better with {NAME}", True),
        ("title", "Morning is better with {NAME}", False),
        ("lower", "meet {NAME}", True),
        ("lower", "Meet {NAME}", False),
        ("any", "mEET {NAME}", True),
    ],
)
def test_case(case, text, fine):
    rules = BrandRules(case=case)
    assert (_what(text, rules) == []) is fine


@pytest.mark.parametrize(
    ("case", "styled"),
    [
        ("title", "Guests at the door? Meet {NAME}, Always. {IT} can wait."),
        ("lower", "guests at the door? meet {NAME}, always. {IT} can wait."),
        ("sentence", "Guests at the door? Meet {NAME}, always. {IT} can wait."),
    ],
)
def test_a_text_is_put_into_the_brands_case(case, styled):
    rules = BrandRules(case=case)
    written = house_style("Guests at the door? Meet {NAME}, always. {IT} can wait.", "push", rules)
    assert written == styled
    assert _what(written, rules) == []


def test_a_claim_needs_the_brands_leave_and_the_record(rules):
    def record(**more):
        return record_of(Product(product_id="p", name="Tea", category="food", price_minor=1, currency="USD", **more))

    backed = record(description="Organic leaves")
    assert forgiven("Organic {NAME}.", rules, backed)
    assert not forgiven("Organic {NAME}.", rules, record())
    assert not forgiven("Organic, vegan {NAME}.", rules, record(description="Organic, vegan"))
    assert not forgiven("Organic {NAME}.", BrandRules(), backed)
    assert not forgiven("{NAME}.", rules, backed)


@pytest.mark.parametrize(
    ("text", "line", "field", "what"),
    [
        ('banned = "cheap"\n', 1, "banned", "Expected `array`"),
        ("\nmax_question_marks = -1\n", 2, "max_question_marks", ">= 0"),
        ('\n\ncase = "loud"\n', 3, "case", "loud"),
        ("banned = []\nbaned = []\n", 2, "baned", "no field"),
        ('[required]\nfax = ["x"]\n', 2, "required.fax", "no channel"),
        ('[required]\nad_headline = ["Terms apply."]\n', 2, "required.ad_headline", "leaves 17 of the 30"),
        ("banned = [\n", None, "", "no TOML"),
    ],
)
def test_a_bad_file_is_told_by_line_and_field(tmp_path, text, line, field, what):
    path = tmp_path / "brand.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_brand_rules(path)
    error = caught.value
    assert error.code is Code.FILE_INVALID
    assert what in error.what
    if line is not None:
        assert error.where == f"{path}:{line}:{field}"
    else:
        assert error.where.startswith(str(path))


def test_no_file(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_brand_rules(tmp_path / "none.toml")
    assert caught.value.code is Code.FILE_MISSING
