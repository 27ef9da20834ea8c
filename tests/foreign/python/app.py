"""A guest in Python, built from `wit/` alone by componentize-py: a part of the conformance guest."""

import json

from componentize_py_types import Err, Ok
from wit_world.exports import manifest
from wit_world.imports import page, types

ASSEMBLY = "Conformance"

# The objects that the page can name, and the calls of this guest that wait for calls of the page.
counters = {}
waiting = {}
last = {"object": 0, "call": 0}


def next_id(kind):
    last[kind] += 1
    return last[kind]


def message(value, data=()):
    return types.Message(json.dumps(value), list(data))


def failure(kind, text):
    return Err(types.CallError(kind, text, None))


def fail(args, text):
    raise failure(types.ErrorKind.FAILED, text)


def new_counter(args, count):
    counters[next_id("object")] = count
    return message({"__dotNetObject": last["object"]})


def call_sync(args, identifier, values):
    return page.invoke_js(0, identifier, page.Operation.CALL, page.ResultType.JSON, message(values))


METHODS = {
    "Add": lambda args, a, b: message(a + b),
    "Echo": lambda args, value: message(value, args.bytes),
    "DoNothing": lambda args, *_: message(None),
    "Fail": fail,
    "NewCounter": new_counter,
    "CallSync": call_sync,
}


def call_later(call, identifier, values):
    waiting[next_id("call")] = call
    page.begin_invoke_js(last["call"], 0, identifier, page.Operation.CALL, page.ResultType.JSON, message(values))


LATER = {
    "Call": call_later,
    "ReturnArrayAsync": lambda call: page.end_invoke(call, Ok(message([1, 2, 3]))),
}


def increment(counter):
    counters[counter] += 1
    return message(counters[counter])


OF_COUNTERS = {"Increment": increment}


def run(target, method, args):
    values = json.loads(args.json) or []
    if isinstance(target, types.Target_Object):
        if target.value not in counters:
            raise failure(types.ErrorKind.NO_SUCH_OBJECT, f"There is no tracked object with id '{target.value}'.")
        if method not in OF_COUNTERS:
            raise failure(types.ErrorKind.NO_SUCH_METHOD, f"A counter has no method '{method}'.")
        return OF_COUNTERS[method](target.value, *values)
    if target.value != ASSEMBLY:
        raise failure(types.ErrorKind.NO_SUCH_ASSEMBLY, f"There is no assembly '{target.value}'.")
    if method in LATER:
        raise failure(types.ErrorKind.UNSUPPORTED, f"The method '{method}' is asynchronous.")
    if method not in METHODS:
        raise failure(types.ErrorKind.NO_SUCH_METHOD, f"There is no method '{method}'.")
    return METHODS[method](args, *values)


class Invocation:
    def invoke(self, target, method, args):
        return run(target, method, args)

    def begin_invoke(self, call, target, method, args):
        if isinstance(target, types.Target_Assembly) and target.value == ASSEMBLY and method in LATER:
            LATER[method](call, *json.loads(args.json))
            return None
        try:
            return Ok(run(target, method, args))
        except Err as error:
            return error

    def cancel_invoke(self, call):
        page.end_invoke(call, failure(types.ErrorKind.CANCELLED, "The call was cancelled."))

    def end_invoke_js(self, call, outcome):
        if call in waiting:
            page.end_invoke(waiting.pop(call), outcome)

    def run_ready(self):
        pass


class References:
    def release(self, object):
        counters.pop(object, None)

    def forget(self, object, times):
        pass

    def live(self):
        return len(counters)


class Streams:
    def read(self, call, stream, max):
        return failure(types.ErrorKind.UNSUPPORTED, "This guest hands out no streams.")

    def close(self, stream):
        pass

    def end_read_js(self, call, outcome):
        pass


def describe(id, is_async):
    return manifest.Method(id, id, [], "any", is_async, None)


class Manifest:
    def describe(self):
        methods = [describe(id, False) for id in METHODS] + [describe(id, True) for id in LATER]
        counter = manifest.ObjectType("Counter", [describe(id, False) for id in OF_COUNTERS], None)
        return [manifest.Assembly(ASSEMBLY, sorted(methods, key=lambda method: method.id), [counter])]
