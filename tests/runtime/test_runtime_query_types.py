"""A type checker knows what a query's rows are, for any number of components and more filters than anybody needs.

What `assert_type` says is checked by the type checker, and the rows themselves by running.
"""

from __future__ import annotations

from typing import assert_type

from ecs_localai.runtime import Added, App, Changed, Query, Update, With, Without


class A: ...


class B: ...


class C: ...


class D: ...


class E: ...


class F: ...


class G: ...


class H: ...


class Last: ...


class Nobody: ...


def test_rows_have_the_types_that_were_asked_for(app: App) -> None:
    counts: list[int] = []

    def one(query: Query[A]) -> None:
        for entity, a in query:
            assert_type(entity, int)
            assert_type(a, A)
            counts.append(1)

    def one_filtered(query: Query[A, With[B], Without[Nobody], Added[C], Changed[D]]) -> None:
        for _, a in query:
            assert_type(a, A)
            counts.append(2)

    def optional(query: Query[A, B | None, With[C]]) -> None:
        for _, row in query:
            assert_type(row, tuple[A, B | None])
            counts.append(3)

    def six(query: Query[A, B, C, D, E, F]) -> None:
        for _, row in query:
            assert_type(row, tuple[A, B, C, D, E, F])
            counts.append(4)

    def five_filtered(query: Query[A, B, C, D, E, With[F], Without[Nobody]]) -> None:
        for _, (a, b, c, d, e) in query:
            assert_type(a, A)
            assert_type(e, E)
            counts.append(len([b, c, d]) + 2)

    def nine(query: Query[A, B, C, D, E, F, G, H, Last]) -> None:
        for _, row in query:
            assert_type(row, tuple[A, B, C, D, E, F, G, H, Last])
            counts.append(6)

    app.add_systems(Update, one, one_filtered, optional, six, five_filtered, nine)
    app.world.spawn(A(), B(), C(), D(), E(), F(), G(), H(), Last())
    app.update()
    assert counts == [1, 2, 3, 4, 5, 6]


def test_filters_do_not_show_in_the_types_however_many_there_are(app: App) -> None:
    counts: list[int] = []

    def of_one(
        query: Query[A, With[B], With[C], With[D], With[E], With[F], Without[Nobody], Added[A], Changed[B]],
    ) -> None:
        for _, a in query:
            assert_type(a, A)
            counts.append(1)

    def of_two(query: Query[A, B, With[C], With[D], With[E], Without[Nobody], Added[A], Changed[B]]) -> None:
        for _, row in query:
            assert_type(row, tuple[A, B])
            counts.append(2)

    def of_four(query: Query[A, B, C | None, D, With[E], With[F], With[G], With[H], Without[Nobody]]) -> None:
        for _, row in query:
            assert_type(row, tuple[A, B, C | None, D])
            counts.append(3)

    app.add_systems(Update, of_one, of_two, of_four)
    app.world.spawn(A(), B(), C(), D(), E(), F(), G(), H())
    app.update()
    assert counts == [1, 2, 3]


def test_list_of_rows_has_the_types_that_iterating_has(app: App) -> None:
    seen: list[int] = []

    def look(
        one: Query[A, With[B], Without[Nobody], With[C], With[D], With[E]],
        optional: Query[A | None, With[B]],
        three: Query[A, B, C, With[D]],
        eight: Query[A, B, C, D, E, F, G, H],
    ) -> None:
        assert_type(one.rows(), list[tuple[int, A]])
        assert_type(optional.rows(), list[tuple[int, A | None]])
        assert_type(three.rows(), list[tuple[int, tuple[A, B, C]]])
        assert_type(eight.rows(), list[tuple[int, tuple[A, B, C, D, E, F, G, H]]])
        seen.extend(len(rows) for rows in (one.rows(), optional.rows(), three.rows(), eight.rows()))

    app.add_systems(Update, look)
    app.world.spawn(A(), B(), C(), D(), E(), F(), G(), H())
    app.update()
    assert seen == [1, 1, 1, 1]


def test_rows_that_the_world_gives_have_types_too(app: App) -> None:
    world = app.world
    everything = (A(), B(), C(), D(), E(), F(), G(), H(), Last())
    entity = world.spawn(*everything)
    a, b, c, d, e, f, g, h, last = everything
    one = world.query(A, With[B], Without[Nobody], With[C], With[D], With[E])
    assert_type(one, list[tuple[int, A]])
    assert one == [(entity, a)]
    two = world.query(A, B, With[C])
    assert_type(two, list[tuple[int, tuple[A, B]]])
    assert two == [(entity, (a, b))]
    six = world.query(A, B, C, D, E, F)
    assert_type(six, list[tuple[int, tuple[A, B, C, D, E, F]]])
    assert six == [(entity, (a, b, c, d, e, f))]
    seven = world.query(A, B, C, D, E, F, G, Without[Nobody])
    assert_type(seven, list[tuple[int, tuple[A, B, C, D, E, F, G]]])
    assert seven == [(entity, (a, b, c, d, e, f, g))]
    eight = world.query(A, B, C, D, E, F, G, H)
    assert_type(eight, list[tuple[int, tuple[A, B, C, D, E, F, G, H]]])
    assert eight == [(entity, (a, b, c, d, e, f, g, h))]
    nine = world.query(A, B, C, D, E, F, G, H, Last)
    assert_type(nine, list[tuple[int, object]])
    assert nine == [(entity, everything)]
    optional = world.query(A, Nobody | None)
    assert_type(optional, list[tuple[int, object]])
    assert optional == [(entity, (a, None))]
    assert last is everything[-1]
