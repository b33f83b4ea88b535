"""Whatever facts a broker tells of an account: no actor fails on them, and a restart replays them."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from actors.gateway.decode import fact_of, unwrap
from actors.gateway.errors import DecodeError
from actors.gateway.signalr import parse
from messages.base import Message
from messages.events import ActorRestarted, DeadLettered
from tests.gateway.test_decode import ACCOUNT, ORDER, POSITION, TRADE
from tests.rig import A, B, Rig, config_of, contract
from tests.security.payloads import bent, encoded

RULES = config_of(
    max_contracts={"limit": 5},
    daily_realized_loss={"max_loss_usd": 500},
    daily_unrealized_loss={"max_loss_usd": 100},
    trade_frequency_limit={"per_minute": 3},
    cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
    no_stop_loss_grace={"grace_s": 10},
    auth_loss_guard={},
    symbol_blocks={"patterns": ["RTY"]},
    trade_management={"breakeven": {"after_ticks": 10, "offset_ticks": 0}},
)
SIZES = st.sampled_from([0, 1, 2, 15, 2**31 - 1])
PRICES = st.sampled_from([0.25, 1e-9, 21_000, 999_999_999_999_999.75, -37.63, 0])
CONTRACTS = st.sampled_from([contract("MNQ"), contract("RTY"), contract("ES")])
"""Those the rig's broker lists; unknown ones are in test_fuzz_payloads and scenarios/test_wire_stream."""
TIMES = st.sampled_from(
    ["2025-10-29T17:00:00Z", "2000-01-01T00:00:00Z", "2199-12-31T23:59:59+14:00"]
)
WHAT = {"size": SIZES, "contractId": CONTRACTS, "accountId": st.just(A)}
RECORDS = {
    "gatewayuserorder": WHAT | {"status": st.integers(0, 9)},
    "gatewayusertrade": WHAT
    | {"price": PRICES, "profitAndLoss": PRICES, "fees": PRICES, "creationTimestamp": TIMES}
    | {"id": st.integers(0, 2**63 - 1), "voided": st.booleans()},
    "gatewayuserposition": WHAT | {"averagePrice": PRICES, "type": st.sampled_from([1, 2])},
    "gatewayuseraccount": {"id": st.just(A), "canTrade": st.booleans(), "balance": PRICES},
}
SEEN = {
    "gatewayuserorder": ORDER,
    "gatewayusertrade": TRADE,
    "gatewayuserposition": POSITION,
    "gatewayuseraccount": ACCOUNT,
}


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a target and the bytes of an entity that may well be understood."""
    target = draw(st.sampled_from(sorted(RECORDS)))
    record = dict(SEEN[target])
    for name, drawn in RECORDS[target].items():
        record[name] = draw(drawn)
    return target, encoded(
        draw(st.one_of(st.just(record), bent(record, fields=1, kept=("contractId",))))
    )


@settings(max_examples=6, deadline=None, print_blob=True, phases=(Phase.explicit, Phase.generate))
@given(st.lists(facts(), min_size=20, max_size=40))
def test_no_actor_fails_on_what_can_be_understood_and_a_restart_replays_it(tmp_path_factory, told):
    """Absurd prices, sizes, contracts and times: judged, enforced, journaled, replayed."""
    folder = tmp_path_factory.mktemp("rig")
    rig = Rig(folder, RULES)
    try:
        for target, raw in told:
            try:
                fact: Message = fact_of(target, unwrap(parse(raw)), at=rig.clock.now())
            except DecodeError:
                continue
            if getattr(fact, "account", None) == A:
                rig.system.directory.tell(f"account/{A}", fact)
                rig.advance(0.1)
        rig.advance(30)
        failed = rig.events(ActorRestarted, None) + rig.events(DeadLettered, None)
        assert failed == []
        assert rig.status(B).phase == "open"
        before = {
            (lock.rule, lock.scope)
            for lock in rig.status().lockouts
            if lock.until is None or lock.until > rig.clock.now()
        }
        rig.stop()
        rig = Rig(folder, RULES, broker=rig.broker)
        assert before <= {(lock.rule, lock.scope) for lock in rig.status().lockouts}
    finally:
        rig.stop()
