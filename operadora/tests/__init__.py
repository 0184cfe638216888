from . import test_operadora
