def test_root(request):
    assert request.config.rootpath.name == "project"
    assert False, request.config.inipath.name
