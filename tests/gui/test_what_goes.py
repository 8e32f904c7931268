"""What belongs to a project goes with it: opening many takes no more memory than one."""

from __future__ import annotations

import gc
import weakref

from netbuilder.gui.inspecting.field_row import FieldRow
from tests.gui.window_hand import WindowHand, settle


def test_the_fields_of_a_project_go_with_it(hand: WindowHand) -> None:
    hand.open("digits_cnn")
    fields = [weakref.ref(each) for each in gc.get_objects() if type(each) is FieldRow]
    assert fields
    hand.open("digits_mlp")
    settle()
    gc.collect()
    assert [each for each in fields if each() is not None] == []
