"""What is remembered of a row's place is what would be found anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.places import Keys, Places, locate
from shipworthy.deploy.receipt import receipt_of, seal, seal_event, sealer_of
from shipworthy.facts import Event
from shipworthy.models.spec import Cell, taker_of, values_of
from tests.deploy.kit import KEY

cells: st.SearchStrategy[Cell] = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1, 1.0, 0.0, -0.0, "1", "", "a", "__unseen__", float("nan"), 10**400])
)
rows = st.dictionaries(st.sampled_from(["supplier", "age", "sex", "more"]), cells)


Asked = list[tuple[str, dict[str, Cell], tuple[str, ...]]]


@given(
    st.lists(st.tuples(st.sampled_from(["acme", "birch"]), rows, st.sampled_from([(), ("supplier",)])), max_size=30),
    st.booleans(),
)
def test_a_place_is_the_same_remembered_or_not(asked: Asked, hides: bool) -> None:
    keys = Keys(
        tenant="tenant",
        segments=("supplier", "age"),
        pairs=(("age", "supplier"),),
        groups=("sex",),
        bins={"age": (0.0, 0.5, 1.0)},
        hide=(lambda name, value: f"#{name}{value}") if hides else None,
    )
    places = Places(keys)
    for tenant, row, unseen in asked * 2:
        assert places.of(tenant, row, unseen) == locate(keys, tenant, row, unseen)


def test_memory_of_places_is_bounded() -> None:
    places = Places(Keys(segments=("supplier",)))
    places.most = 10
    for number in range(100):
        assert places.of("acme", {"supplier": f"S{number}"}, ()).texts == (f"supplier=S{number}",)
    assert len(places) <= 10


@given(st.dictionaries(st.sampled_from(["amount", "supplier", "text"]), cells))
def test_a_release_takes_values_as_every_other_part_does(row: dict[str, Cell]) -> None:
    for columns in ((("amount", "float"), ("supplier", "category")), (("text", "text"), ("supplier", "category"))):
        assert repr(taker_of(columns)(row)) == repr(values_of(row, columns))  # NaN equals itself here


@given(st.one_of(st.none(), st.floats(0, 1)), st.lists(st.text(max_size=5), max_size=3))
def test_an_event_is_sealed_as_its_receipt_is(score: float | None, texts: list[str]) -> None:
    event = Event(
        request="r",
        at="",
        minute=7,
        version="1",
        arm="baseline",
        tenant="acme",
        segments=tuple(texts),
        score=score,
        decision="approve",
        route="machine",
        ood_p=0.5,
        ood_view="",
        ood_flag=False,
        groups=tuple(texts),
    )
    assert seal_event(sealer_of(KEY), event, score) == seal(KEY, receipt_of(event))
