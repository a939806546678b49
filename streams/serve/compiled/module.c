/* What serve does most often, compiled: the gate with the seen-set, the look at what is remembered, the press.
 *
 * ../gate.py, ../seen.py, ../context.py and ../press.py say what is right; tests hold the two of each to the same answers.
 */

#include "gate.h"
#include "glance.h"
#include "press.h"

/* Goes up together with the one in ../native.py. */
#define LAYOUT 3

static int intern(PyObject **into, const char *const *spelled_as, int count) {
    for (int i = 0; i < count; i++)
        if ((into[i] = PyUnicode_InternFromString(spelled_as[i])) == NULL) return 0;
    return 1;
}

static PyTypeObject *add(PyObject *module, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type != NULL && PyModule_AddType(module, type) < 0) Py_CLEAR(type);
    return type;
}

static int execute(PyObject *module) {
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL || !intern(names, spelled, NAMES) || !intern(aspects, aspects_spelled, ASPECTS)) return -1;
    PyTypeObject *press = add(module, &press_spec), *gate = press == NULL ? NULL : add(module, &gate_spec);
    /* Kept for good: the gate knows a seen-set by its type. */
    seen_type = gate == NULL ? NULL : add(module, &seen_spec);
    Py_XDECREF(press);
    Py_XDECREF(gate);
    return seen_type == NULL ? -1 : PyModule_AddIntConstant(module, "LAYOUT", LAYOUT);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "streams.serve._press", "The gate and the press, compiled.", 0, functions, module_slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__press(void) { return PyModuleDef_Init(&definition); }
