import pytest

from housing_price_platform.environment.variables import SharedVariable, UnknownVariables, check_variables

KNOWN = {"SHOP_SERVER__PORT", "SHOP_SERVER__HOST", "SHOP_AUTH__KEYS_FILE", "SHOP_TLS__KEY_FILE", "SHOP_LOG__LEVEL"}
VALUE = "hunter2"


def check(environment: dict[str, str], *, is_case_sensitive: bool = False) -> None:
    check_variables(environment, KNOWN, prefixes=("SHOP_",), is_case_sensitive=is_case_sensitive)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("SHOP_AUTH_KEYS_FILE", "SHOP_AUTH__KEYS_FILE"),
        ("SHOP__AUTH__KEYS_FILE", "SHOP_AUTH__KEYS_FILE"),
        ("SHOP_AUTH__KEYFILE", "SHOP_AUTH__KEYS_FILE"),
        ("SHOP_KEYS_FILE", "SHOP_AUTH__KEYS_FILE"),
        ("shop_auth_keys_file", "SHOP_AUTH__KEYS_FILE"),
        ("SHOP_SERVER_PORT", "SHOP_SERVER__PORT"),
        ("SHOP_SERVERR__PORT", "SHOP_SERVER__PORT"),
        ("SHOP_SERVER__PORT__X", "SHOP_SERVER__PORT"),
        ("SHOP_SERVICE__HOST", "SHOP_SERVER__HOST"),
        ("SHOP_LOGLEVEL", "SHOP_LOG__LEVEL"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_closest_setting(misspelt: str, meant: str) -> None:
    with pytest.raises(UnknownVariables) as refused:
        check({misspelt: VALUE})
    assert str(refused.value) == f"{misspelt} is not a setting; did you mean {meant}?"


def test_every_unknown_variable_has_a_line_and_no_value_is_shown() -> None:
    with pytest.raises(UnknownVariables) as refused:
        check({"SHOP_B": VALUE, "SHOP_A": VALUE, "SHOP_LOG__LEVEL": "info"})
    assert [line.split()[0] for line in str(refused.value).splitlines()] == ["SHOP_A", "SHOP_B"]
    assert VALUE not in str(refused.value)


def test_known_and_foreign_variables_are_accepted() -> None:
    check({"SHOP_LOG__LEVEL": "info", "shop_server__port": "1", "SHOPPING": "x", "PATH": "/bin", "SHO": "x"})


def test_a_name_in_lower_case_is_misspelt_where_case_matters() -> None:
    with pytest.raises(UnknownVariables, match=r"^shop_log__level is not a setting; did you mean SHOP_LOG__LEVEL\?$"):
        check({"shop_log__level": "info"}, is_case_sensitive=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_SERVICE_HOST", "10.0.0.7"),
        ("SHOP_SERVICE_PORT", "8000"),
        ("SHOP_SERVICE_PORT_HTTP", "8000"),
        ("SHOP_SERVICE_PORT_GRPC_WEB", "8001"),
        ("SHOP_PORT", "tcp://10.0.0.7:8000"),
        ("SHOP_PORT_8000_TCP", "tcp://10.0.0.7:8000"),
        ("SHOP_PORT_8000_TCP_ADDR", "10.0.0.7"),
        ("SHOP_PORT_8000_TCP_PORT", "8000"),
        ("SHOP_PORT_8000_TCP_PROTO", "tcp"),
        ("SHOP_API_V2_SERVICE_HOST", "fd00::7"),
        ("SHOP_API_V2_PORT", "udp://[fd00::7]:53"),
        ("SHOP_API_V2_PORT_53_UDP_ADDR", "fd00::7"),
        ("SHOP_SERVER_PORT", "tcp://10.0.0.8:80"),
    ],
)
def test_variables_that_container_platforms_inject_are_accepted(name: str, value: str) -> None:
    check({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("SHOP_SERVER_PORT", "8000"), ("SHOP_PORT_X_TCP", "8000"), ("SHOP_SERVERPORT", "8000"), ("SHOP_PORT", "")],
)
def test_a_port_that_no_platform_injects_is_refused(name: str, value: str) -> None:
    with pytest.raises(UnknownVariables, match=name):
        check({name: value})


def test_of_a_foreign_prefix_only_names_similar_to_a_setting_are_refused() -> None:
    known = {"LIB_TRACKING_URI"}
    check_variables({"LIB_TRACKING_USERNAME": "x", "LIB_OTHER": "x"}, known, foreign_prefixes=("LIB_",))
    for misspelt in ("LIB_TRACKING_URL", "LIB_TRAKING_URI", "lib_tracking_uri", "LIB_TRACKINGURI"):
        with pytest.raises(UnknownVariables, match=f"^{misspelt} is not a setting; did you mean LIB_TRACKING_URI"):
            check_variables({misspelt: VALUE}, known, foreign_prefixes=("LIB_",))


def test_the_shared_variables_have_unique_names() -> None:
    assert len({str(variable) for variable in SharedVariable}) == len(SharedVariable.__members__)
