def test_s(pytestconfig):
    print(pytestconfig.inipath.name)
