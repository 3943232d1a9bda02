_connected = []


def connect(name):
    if not name:
        raise ValueError("no name")
    _connected.append(name)


def table():
    if not _connected:
        return {}
    return {"de": 1.19, "ch": 1.08, "uk": 1.2}


def rate(known, country):
    if country in known:
        return known[country]
    return 1
