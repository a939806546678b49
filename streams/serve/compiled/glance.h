/* What is remembered of a batch's entities, as ../context.py defines `at_hand`. */

#ifndef PATTER_GLANCE_H
#define PATTER_GLANCE_H

#include "press.h"

/* Entities on their way at a time, as in the press. */
#define ABREAST 8

/* Puts the id of each of some events, and the side that is remembered of it, to their places. */
static int find_some(PyObject *known, PyObject *events, PyObject *key, PyObject *ids, PyObject *sides, Py_ssize_t from,
                     Py_ssize_t to) {
    for (Py_ssize_t i = from; i < to; i++) {
        PyObject *trigger = ITEM(events, i), *id;
        if (!PyTuple_Check(trigger) || PyTuple_GET_SIZE(trigger) == 0) {
            PyErr_SetString(PyExc_TypeError, "a trigger is an event, a partition and an offset");
            return 0;
        }
        if ((id = PyObject_GetAttr(ITEM(trigger, 0), key)) == NULL) return 0;
        PyList_SET_ITEM(ids, i, id);
        PyObject *side = PyDict_GetItemWithError(known, id);
        if (side == NULL && PyErr_Occurred()) return 0;
        if (side == NULL) side = Py_None;
        /* A side is longer than a line of the cache. */
        near(side);
        near((PyObject *)((char *)side + sizeof(PyTupleObject) + (UNTIL - 1) * sizeof(PyObject *)));
        PyList_SET_ITEM(sides, i, Py_NewRef(side));
    }
    return 1;
}

/* Whether a side will do at `now`; -1 with an exception. */
static int holds(PyObject *side, long long now) {
    if (side == Py_None) return 0;
    if (!PyTuple_Check(side) || PyTuple_GET_SIZE(side) != SIDE_SIZE) {
        PyErr_SetString(PyExc_TypeError, "what is remembered is a side");
        return -1;
    }
    long long until = PyLong_AsLongLong(ITEM(side, UNTIL));
    return until == -1 && PyErr_Occurred() ? -1 : until > now;
}

static int note_late(PyObject *late, Py_ssize_t place) {
    PyObject *number = PyLong_FromSsize_t(place);
    int failed = number == NULL || PyList_Append(late, number) < 0;
    Py_XDECREF(number);
    return !failed;
}

/* at_hand(sides by id, triggers, attribute, now in ms) */
static PyObject *at_hand(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *known, *given, *key, *answer = NULL;
    long long now;
    if (!PyArg_ParseTuple(args, "O!OUL", &PyDict_Type, &known, &given, &key, &now)) return NULL;
    PyObject *triggers = PySequence_Tuple(given);
    if (triggers == NULL) return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(triggers);
    PyObject *ids = PyList_New(count), *sides = PyList_New(count), *late = PyList_New(0);
    int fine = ids != NULL && sides != NULL && late != NULL;
    for (Py_ssize_t from = 0; fine && from < count; from += ABREAST) {
        Py_ssize_t to = Py_MIN(from + ABREAST, count);
        fine = find_some(known, triggers, key, ids, sides, from, to);
        for (Py_ssize_t i = from; fine && i < to; i++) {
            int good = holds(PyList_GET_ITEM(sides, i), now);
            fine = good > 0 || (good == 0 && note_late(late, i));
        }
    }
    if (fine) answer = PyTuple_Pack(3, ids, sides, late);
    Py_DECREF(triggers);
    Py_XDECREF(ids);
    Py_XDECREF(sides);
    Py_XDECREF(late);
    return answer;
}

static PyMethodDef functions[] = {
    {"at_hand", (PyCFunction)at_hand, METH_VARARGS, "What is remembered of a batch's entities."},
    {NULL, NULL, 0, NULL},
};

#endif
