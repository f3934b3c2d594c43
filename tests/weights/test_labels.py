import pytest

from sifa.weights.labels import class_names


def test_the_size_of_the_head_chooses_the_list():
    names = class_names(400)
    assert len(names) == len(set(names)) == 400
    assert names[0] == "abseiling"
    assert class_names(7) == tuple(f"class {i}" for i in range(7))


def test_something_something_must_be_named():
    first, second = class_names(174, "something_v1"), class_names(174, "something_v2")
    assert sorted(first) == sorted(second)
    assert first != second
    assert first[0] == "Holding something"
    assert second[0] == "Approaching something with your camera"
    with pytest.raises(ValueError, match="174 classes fits something_v1 and something_v2"):
        class_names(174)


def test_wrong_names_and_sizes_are_told():
    with pytest.raises(ValueError, match="no class list is called 'k600'; there are kinetics400"):
        class_names(600, "k600")
    with pytest.raises(ValueError, match="kinetics400 has 400 classes, but the head has 10"):
        class_names(10, "kinetics400")
