from . import (
    test_demo_job,
    test_demonstrativo,
    test_glosa,
    test_guia,
)
