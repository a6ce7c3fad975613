from __future__ import annotations

import pytest

from kubetalk.comparing import canonical

CLAIMS = """\
NAME        STATUS   VOLUME                                     CAPACITY   ACCESS MODES   STORAGECLASS   AGE
data-db-0   Bound    pvc-{}   1Gi        RWO            standard       1s
"""
VOLUMES = """\
NAME                                       CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS   CLAIM               AGE
pvc-{}   1Gi        RWO            Delete           Bound    default/data-db-0   1s
"""
ONE, OTHER = "e496a0d8-30c9-4bc6-92d9-daebf2c7f717", "2540c9cd-64fc-4400-94a0-31db58e3b76f"


@pytest.mark.parametrize(("command", "output"), [("kubectl get pvc", CLAIMS), ("kubectl get pv", VOLUMES)])
def test_a_provisioned_volume_is_named_after_the_uid_of_its_claim(command: str, output: str) -> None:
    assert canonical(command, output.format(ONE)) == canonical(command, output.format(OTHER))
    assert canonical(command, output.format(ONE)) != canonical(command, output.format(ONE).replace("1Gi", "2Gi"))
