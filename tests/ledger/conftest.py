"""A tenant in memory, with and without a control."""

import pytest

from tests.ledger.memory import Memory, bring, control


@pytest.fixture
def memory() -> Memory:
    """A tenant without entities."""
    return Memory()


@pytest.fixture
def mfa(memory: Memory) -> Memory:
    """A tenant with the control AdminMFA, which nobody touched."""
    memory.run(bring(control("AdminMFA", openProperty={"nested": [1]})))
    return memory
