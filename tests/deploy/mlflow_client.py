"""Drives a gateway with MLflow's own scoring client, in an interpreter that has MLflow; prints what it heard as JSON.

`python mlflow_client.py PORT`: nothing of this project is imported, so that the client is the one users have.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main(port: int) -> dict[str, Any]:
    """Ask in every way the client knows; return what came back."""
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient  # type: ignore[import-not-found]

    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready(timeout=10)
    table = pd.DataFrame(
        {"tenant": ["acme"] * 4, "supplier": ["P01", "P01", "P02", None], "amount": [100.0, 500.0, 900.0, np.nan]}
    )
    answer = client.invoke(table, params={})
    frame = answer.get_predictions()
    records = table.head(3).to_dict(orient="records")
    heard: dict[str, Any] = {
        "version": client.get_version(),
        "columns": list(frame.columns),
        "decisions": frame["decision"].fillna("").tolist(),
        "routes": frame["route"].tolist(),
        "receipts": frame["receipt"].tolist(),
        "inputs": [one["decision"] for one in client.invoke(records)["predictions"]],
        "ndarray": len(client.invoke(records).get_predictions("ndarray")),
    }
    for name, sent in (("matrix", np.zeros((2, 2))), ("nobody", table[["amount"]].head(1))):
        try:
            client.invoke(sent)
        except Exception as error:
            heard[name] = str(error)
    return heard


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
