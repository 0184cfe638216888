"""Random examples that are the same on every machine (Hypothesis)."""

from hypothesis import HealthCheck, Phase, settings


def examples(count):
    """Settings of a test that makes records for each of `count` examples.

    What fails is not made smaller: every try would leave its records in the same transaction.
    """
    return settings(
        max_examples=count,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
