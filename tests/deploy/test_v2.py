"""The Open Inference Protocol over real sockets."""

from __future__ import annotations

import json
import struct
from typing import Any

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.receipt import unseal
from shipworthy.deploy.throttle import Throttles
from tests.deploy.kit import KEY, Site, State, running, score_of_amount


class TestV2:
    """The Open Inference Protocol with a plain HTTP client."""

    def infer(self, site: Site, **more: Any) -> tuple[int, Any, dict[str, str]]:
        inputs = [
            {"name": "tenant", "datatype": "BYTES", "shape": [3, 1], "data": ["acme", "acme", "acme"]},
            {"name": "supplier", "datatype": "BYTES", "shape": [3], "data": ["P01", "P01", "P02"]},
            {"name": "amount", "datatype": "FP64", "shape": [3], "data": [100.0, 500.0, 900.0]},
        ]
        return site.ask("POST", "/v2/models/claims/infer", {"id": "x", "inputs": inputs, **more})

    def test_rows_are_decided_one_by_one(self) -> None:
        state = State()
        with running(state, {"1": score_of_amount}) as site:
            status, reply, headers = self.infer(site)
            assert status == 200
            assert (reply["model_name"], reply["model_version"], reply["id"]) == ("claims", "1", "x")
            decision, score = reply["outputs"]
            assert decision == {
                "name": "decision", "shape": [3], "datatype": "BYTES", "data": ["deny", "review", "approve"],
            }  # fmt: skip
            assert (score["datatype"], score["data"]) == ("FP64", [0.1, 0.5, 0.9])
            assert reply["parameters"]["shipworthy_route"] == "machine,person,machine"
            receipts = [unseal(KEY, token) for token in reply["parameters"]["receipts"].split(",")]
            assert [one.request for one in receipts] == [one.request for one in state.told.events]
            assert headers["x-shipworthy-arm"] == "baseline"

    def test_only_wanted_outputs_come_and_unknown_ones_are_refused(self) -> None:
        state = State()
        with running(state, {"1": score_of_amount}) as site:
            reply = self.infer(site, outputs=[{"name": "score"}])[1]
            assert [output["name"] for output in reply["outputs"]] == ["score"]
            assert self.infer(site, outputs=[{"name": "logits"}])[0] == 400
            assert len(state.told.events) == 3

    def test_raw_tensors_are_taken(self) -> None:
        raw = struct.pack("<d", 900.0)
        inputs = [
            {"name": "tenant", "datatype": "BYTES", "shape": [1], "data": ["acme"]},
            {"name": "amount", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}},
        ]
        head = json.dumps({"inputs": inputs}).encode()
        with running(State(), {"1": score_of_amount}) as site:
            path = "/v2/models/claims/infer"
            length = str(len(head))
            status, reply, _ = site.ask("POST", path, head + raw, inference_header_content_length=length)
            assert (status, reply["outputs"][0]["data"]) == (200, ["approve"])
            assert site.ask("POST", path, head + raw, inference_header_content_length="x")[0] == 400

    def test_each_row_costs_one_and_a_batch_over_the_burst_is_refused(self) -> None:
        state = State()
        throttles = Throttles(Throttle(rate_per_s=1, burst=4), {"acme": Throttle(rate_per_s=1, burst=3)})
        with running(state, {"1": score_of_amount}, throttles=throttles) as site:
            assert self.infer(site)[0] == 200
            assert self.infer(site)[0] == 429
            assert len(state.told.events) == 3

    def test_the_server_and_the_model_describe_themselves(self) -> None:
        with running(State(), {"1": score_of_amount}) as site:
            for path in ("/v2", "/v2/", "/v2/health/live", "/v2/health/ready", "/v2/models/claims/ready"):
                assert site.ask("GET", path)[0] == 200, path
            status, reply, _ = site.ask("GET", "/v2/models/claims")
            assert status == 200
            assert [one["name"] for one in reply["inputs"]] == ["amount", "supplier"]
            assert [one["datatype"] for one in reply["inputs"]] == ["FP64", "BYTES"]
            assert site.ask("GET", "/v2/models/other")[0] == 404
