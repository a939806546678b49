/* The press of ../press.py, compiled: draws an event's outcome from its menu and writes the record.
 *
 * ../press.py says what is right; tests hold the two to the same bytes. Nothing is decided here that is not decided there.
 */

#ifndef PATTER_PRESS_H
#define PATTER_PRESS_H

#include "record.h"

static void Press_dealloc(Press *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(self->source);
    Py_CLEAR(self->target);
    Py_CLEAR(self->encode);
    Py_CLEAR(self->kinds);
    Py_CLEAR(self->sheet);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

/* Press(prefix of an id's hash, its person, prefix of a token, key, source as JSON, target, comma, encode_json, kinds) */
static int Press_init(Press *self, PyObject *args, PyObject *kwargs) {
    const char *tenant, *person, *prefix, *key;
    Py_ssize_t tenant_size, person_size, prefix_size, key_size;
    PyObject *source, *target, *encode, *kinds;
    int comma;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "y#y#y#y#SUpOO!", &tenant, &tenant_size, &person, &person_size, &prefix, &prefix_size,
                          &key, &key_size, &source, &target, &comma, &encode, &PyDict_Type, &kinds))
        return -1;
    if (person_size > 16 || prefix_size != 2 || key_size > 64) {
        PyErr_SetString(PyExc_ValueError, "person has at most 16 bytes, prefix 2, key at most 64");
        return -1;
    }
    uint8_t padded[16] = {0};
    memcpy(padded, person, (size_t)person_size);
    blake2b_init(&self->tenant, ID_SIZE, NULL, 0, padded);
    blake2b_update(&self->tenant, tenant, (size_t)tenant_size);
    blake2b_init(&self->seal, MAC_SIZE, key, (size_t)key_size, NULL);
    memcpy(self->prefix, prefix, 2);
    Py_XSETREF(self->source, Py_NewRef(source));
    Py_XSETREF(self->target, Py_NewRef(target));
    Py_XSETREF(self->encode, Py_NewRef(encode));
    Py_XSETREF(self->kinds, Py_NewRef(kinds));
    self->comma = comma;
    self->now_size = 0;
    return 0;
}

/* start(time as text, time as 6 bytes, the policy's key) */
static PyObject *Press_start(Press *self, PyObject *args) {
    const char *now, *clock, *key;
    Py_ssize_t now_size, clock_size, key_size;
    if (!PyArg_ParseTuple(args, "y#y#y#", &now, &now_size, &clock, &clock_size, &key, &key_size)) return NULL;
    if (now_size > MAX_NOW || clock_size != CLOCK_SIZE || key_size > 64) {
        PyErr_SetString(PyExc_ValueError, "time has at most 40 bytes, clock 6, key at most 64");
        return NULL;
    }
    memcpy(self->now, now, (size_t)now_size);
    self->now_size = now_size;
    memcpy(self->clock, clock, CLOCK_SIZE);
    blake2b_init(&self->policy, 8, key, (size_t)key_size, NULL);
    Py_RETURN_NONE;
}

static int is_side(PyObject *side) {
    if (!PyTuple_Check(side) || PyTuple_GET_SIZE(side) != SIDE_SIZE) return 0;
    for (int i = NAME; i <= TIMES; i++)
        if (!PyBytes_Check(ITEM(side, i))) return 0;
    return 1;
}

static int is_menu(PyObject *menu) {
    return PyTuple_Check(menu) && PyTuple_GET_SIZE(menu) == MENU_SIZE && PyTuple_Check(ITEM(menu, CUMULATIVE)) &&
           PyTuple_Check(ITEM(menu, DISHES)) && PyTuple_Check(ITEM(menu, MISSES));
}

static int is_dish(PyObject *dish) {
    return PyTuple_Check(dish) && PyTuple_GET_SIZE(dish) == DISH_SIZE && PyBytes_Check(ITEM(dish, BODY)) &&
           PyBytes_Check(ITEM(dish, TAIL)) && PyBytes_GET_SIZE(ITEM(dish, TAIL)) == TAIL_SIZE;
}

/* The outcome that is drawn for an id (borrowed), or NULL with an exception. */
static PyObject *draw(Press *self, PyObject *menu, const uint8_t *id) {
    Blake2b policy = self->policy;
    uint8_t digest[8];
    uint64_t bits = 0;
    blake2b_update(&policy, id, ID_SIZE);
    blake2b_final(&policy, digest);
    for (int i = 0; i < 8; i++) bits = bits << 8 | digest[i];
    double u = (double)(bits >> 11) * 0x1p-53;
    PyObject *cumulative = ITEM(menu, CUMULATIVE), *dishes = ITEM(menu, DISHES);
    Py_ssize_t arms = PyTuple_GET_SIZE(cumulative), arm = 0;
    for (; arm < arms; arm++) {
        PyObject *sum = ITEM(cumulative, arm);
        if (!PyFloat_Check(sum)) goto wrong;
        if (PyFloat_AS_DOUBLE(sum) > u) break;
    }
    if (arm >= PyTuple_GET_SIZE(dishes)) {
        PyErr_SetString(PyExc_IndexError, "the probabilities end below 1");
        return NULL;
    }
    PyObject *texts = ITEM(dishes, arm);
    if (!PyTuple_Check(texts) || PyTuple_GET_SIZE(texts) == 0) goto wrong;
    PyObject *dish = ITEM(texts, id[0] % PyTuple_GET_SIZE(texts));
    if (is_dish(dish)) return dish;
wrong:
    PyErr_SetString(PyExc_TypeError, "a menu has floats, and for each a tuple of dishes");
    return NULL;
}

/* What write is given, and what it takes down. `write` owns what it made or asked for. */
typedef struct {
    PyObject *shoppers, *products, *shelves, *menu_of, *put, *wait, *labels, *states, *missed;
    long long lookups;
} Job;

static void clear(Slot *slot) {
    Py_CLEAR(slot->event_id);
    Py_CLEAR(slot->user_id);
    Py_CLEAR(slot->mine);
    Py_CLEAR(slot->its);
    Py_CLEAR(slot->menu);
    Py_CLEAR(slot->utf8);
}

static void near(PyObject *object) {
#if defined(__GNUC__)
    __builtin_prefetch(object);
#endif
}

static void fetch(PyObject *bytes) {
#if defined(__GNUC__)
    const char *at = (const char *)bytes, *end = PyBytes_AS_STRING(bytes) + PyBytes_GET_SIZE(bytes);
    for (; at < end; at += 64) __builtin_prefetch(at);
#endif
}

/* An item that has to be there (borrowed). */
static PyObject *known(PyObject *table, PyObject *key) {
    PyObject *found = PyDict_GetItemWithError(table, key);
    if (found == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
    return found;
}

/* The menu for an event: from its product's shelf, or else as `menu_of` says. New. */
static PyObject *find_menu(Job *job, PyObject *event, PyObject *product_id, PyObject *shopper, PyObject *product) {
    if (ITEM(shopper, STOP) == Py_None) {
        PyObject *shelf = PyDict_GetItemWithError(job->shelves, product_id);
        if (shelf != NULL && PyDict_Check(shelf)) {
            PyObject *menu = PyDict_GetItemWithError(shelf, ITEM(shopper, SEGMENT));
            if (menu != NULL) return Py_NewRef(menu);
        }
        if (PyErr_Occurred()) return NULL;
    }
    PyObject *three[] = {event, shopper, product};
    return PyObject_Vectorcall(job->menu_of, three, 3, NULL);
}

/* Everything but the record: what it needs is under way to the processor's cache when the record is put together. */
static int prepare(Press *self, Job *job, PyObject *trigger, PyObject *shopper, PyObject *product, Slot *slot) {
    int failed = -1;
    memset(slot, 0, sizeof *slot);
    if (!PyTuple_Check(trigger) || PyTuple_GET_SIZE(trigger) != 3) {
        PyErr_SetString(PyExc_TypeError, "a trigger is an event, a partition and an offset");
        return -1;
    }
    PyObject *event = ITEM(trigger, 0), *product_id = PyObject_GetAttr(event, names[PRODUCT_ID]);
    slot->event_id = PyObject_GetAttr(event, names[EVENT_ID]);
    slot->user_id = PyObject_GetAttr(event, names[USER_ID]);
    slot->partition = PyLong_AsLongLong(ITEM(trigger, 1));
    slot->offset = PyLong_AsLongLong(ITEM(trigger, 2));
    if (PyErr_Occurred() || (slot->kind = known(self->kinds, (PyObject *)Py_TYPE(event))) == NULL) goto done;
    slot->mine = Py_NewRef(shopper);
    slot->its = Py_NewRef(product);
    if (!PyUnicode_Check(slot->event_id) || !PyUnicode_Check(slot->user_id) || !PyBytes_Check(slot->kind) ||
        !is_side(slot->mine) || !is_side(slot->its)) {
        PyErr_SetString(PyExc_TypeError, "ids are text, kinds bytes, and a side has its members");
        goto done;
    }
    fetch(ITEM(slot->mine, FEATURES));
    if (PyUnicode_IS_COMPACT_ASCII(slot->event_id)) {
        slot->event = (const char *)PyUnicode_1BYTE_DATA(slot->event_id);
        slot->event_size = PyUnicode_GET_LENGTH(slot->event_id);
    } else {
        slot->utf8 = PyUnicode_AsEncodedString(slot->event_id, "utf-8", "surrogatepass");
        if (slot->utf8 == NULL) goto done;
        slot->event = PyBytes_AS_STRING(slot->utf8);
        slot->event_size = PyBytes_GET_SIZE(slot->utf8);
    }
    Blake2b hash = self->tenant;
    blake2b_update(&hash, slot->event, (size_t)slot->event_size);
    blake2b_final(&hash, slot->id);
    slot->menu = find_menu(job, event, product_id, shopper, product);
    if (slot->menu == NULL) goto done;
    if (!is_menu(slot->menu)) {
        PyErr_SetString(PyExc_TypeError, "a menu has sums, dishes, misses and lookups");
        goto done;
    }
    slot->dish = draw(self, slot->menu, slot->id);
    if (slot->dish == NULL) goto done;
    fetch(ITEM(slot->dish, BODY));
    failed = 0;
done:
    Py_XDECREF(product_id);
    return failed;
}

/* Hands the record over; waits as long as there is no room for it. */
static int hand_over(Press *self, Job *job, const Slot *slot) {
    PyObject *key = PyUnicode_AsUTF8String(slot->user_id), *record = key == NULL ? NULL : record_of(self, slot);
    PyObject *three[] = {self->target, record, key};
    int failed = record == NULL;
    while (!failed) {
        PyObject *done = PyObject_Vectorcall(job->put, three, 3, NULL);
        Py_XDECREF(done);
        if (done != NULL) break;
        failed = !PyErr_ExceptionMatches(PyExc_BufferError);
        if (!failed) {
            PyErr_Clear();
            done = PyObject_CallNoArgs(job->wait);
            failed = done == NULL;
            Py_XDECREF(done);
        }
    }
    Py_XDECREF(key);
    Py_XDECREF(record);
    return failed ? -1 : 0;
}

/* Hands the record over and takes down what is counted. */
static int finish(Press *self, Job *job, const Slot *slot) {
    PyObject *misses = ITEM(slot->menu, MISSES);
    if (hand_over(self, job, slot) < 0 || PyList_Append(job->labels, ITEM(slot->dish, LABEL)) < 0 ||
        PyList_Append(job->states, ITEM(slot->mine, SIDE_STATES)) < 0 ||
        PyList_Append(job->states, ITEM(slot->its, SIDE_STATES)) < 0)
        return -1;
    job->lookups += PyLong_AsLongLong(ITEM(slot->menu, MENU_LOOKUPS));
    if (PyErr_Occurred()) return -1;
    if (PyTuple_GET_SIZE(misses) == 0) return 0;
    PyObject *pair = PyTuple_Pack(2, slot->event_id, misses);
    int failed = pair == NULL || PyList_Append(job->missed, pair) < 0;
    Py_XDECREF(pair);
    return failed ? -1 : 0;
}

/* Events on their way at a time: so many that memory answers in time, so few that nothing is pushed out again. */
#define AHEAD 8

static int write_all(Press *self, Job *job, PyObject *triggers) {
    Slot slots[AHEAD];
    Py_ssize_t count = PyTuple_GET_SIZE(triggers), begun = 0, done = 0;
    int failed = 0;
    while (!failed && done < count) {
        if (begun < count && begun - done < AHEAD) {
            if (begun + AHEAD < count) near(ITEM(job->shoppers, begun + AHEAD));
            failed = prepare(self, job, ITEM(triggers, begun), ITEM(job->shoppers, begun),
                             ITEM(job->products, begun), &slots[begun % AHEAD]) < 0;
            begun++;
        } else {
            failed = finish(self, job, &slots[done % AHEAD]) < 0;
            clear(&slots[done % AHEAD]);
            done++;
        }
    }
    for (; done < begun; done++) clear(&slots[done % AHEAD]);
    return failed ? -1 : 0;
}

/* write(triggers, found, taken, put, wait) */
static PyObject *Press_write(Press *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 5 || !PyTuple_Check(args[1]) || PyTuple_GET_SIZE(args[1]) != 4 || !PyDict_Check(ITEM(args[1], 2))) {
        PyErr_SetString(PyExc_TypeError, "write(triggers, (shoppers, products, shelves, menu_of), taken, put, wait)");
        return NULL;
    }
    if (self->source == NULL || self->now_size == 0) {
        PyErr_SetString(PyExc_RuntimeError, "write before begin");
        return NULL;
    }
    PyObject *found = args[1], *taken = args[2], *after = NULL, *answer = NULL;
    Job job = {.shelves = ITEM(found, 2), .menu_of = ITEM(found, 3), .put = args[3], .wait = args[4]};
    /* What is called here could change a list that is gone through; nothing can change a tuple. */
    PyObject *triggers = PySequence_Tuple(args[0]);
    job.shoppers = PySequence_Tuple(ITEM(found, 0));
    job.products = PySequence_Tuple(ITEM(found, 1));
    PyObject *before = PyObject_GetAttr(taken, names[LOOKUPS]);
    job.labels = PyObject_GetAttr(taken, names[LABELS]);
    job.states = PyObject_GetAttr(taken, names[STATES]);
    job.missed = PyObject_GetAttr(taken, names[MISSED]);
    if (PyErr_Occurred()) goto done;
    if (PyTuple_GET_SIZE(triggers) != PyTuple_GET_SIZE(job.shoppers) ||
        PyTuple_GET_SIZE(triggers) != PyTuple_GET_SIZE(job.products)) {
        PyErr_SetString(PyExc_ValueError, "each event has a shopper and a product");
        goto done;
    }
    if (!PyList_Check(job.labels) || !PyList_Check(job.states) || !PyList_Check(job.missed)) {
        PyErr_SetString(PyExc_TypeError, "labels, states and missed are lists");
        goto done;
    }
    job.lookups = PyLong_AsLongLong(before);
    if (PyErr_Occurred() || write_all(self, &job, triggers) < 0) goto done;
    after = PyLong_FromLongLong(job.lookups);
    if (after != NULL && PyObject_SetAttr(taken, names[LOOKUPS], after) == 0) answer = Py_NewRef(Py_None);
done:
    Py_XDECREF(triggers);
    Py_XDECREF(job.shoppers);
    Py_XDECREF(job.products);
    Py_XDECREF(before);
    Py_XDECREF(after);
    Py_XDECREF(job.labels);
    Py_XDECREF(job.states);
    Py_XDECREF(job.missed);
    return answer;
}

static PyMethodDef press_methods[] = {
    {"start", (PyCFunction)Press_start, METH_VARARGS, "Begin a batch."},
    {"write", (PyCFunction)(void (*)(void))Press_write, METH_FASTCALL, "Hand over the records of these events."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot press_slots[] = {
    {Py_tp_dealloc, Press_dealloc}, {Py_tp_init, Press_init}, {Py_tp_methods, press_methods},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec press_spec = {"streams.serve._press.Press", sizeof(Press), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                press_slots};

#endif
