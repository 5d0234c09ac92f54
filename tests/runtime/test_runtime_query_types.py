"""A type checker knows what a query's rows are, for any number of components and up to four filters."""

from __future__ import annotations

from typing import assert_type

from ecs_localai.runtime import Added, App, Changed, Query, Update, With, Without


class A: ...


class B: ...


class C: ...


class D: ...


class E: ...


class F: ...


def test_rows_have_the_types_that_were_asked_for(app: App) -> None:
    counts: list[int] = []

    def one(query: Query[A]) -> None:
        for entity, a in query:
            assert_type(entity, int)
            assert_type(a, A)
            counts.append(1)

    def one_filtered(query: Query[A, With[B], Without[object], Added[C], Changed[D]]) -> None:
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

    def five_filtered(query: Query[A, B, C, D, E, With[F], Without[object]]) -> None:
        for _, (a, b, c, d, e) in query:
            assert_type(a, A)
            assert_type(e, E)
            counts.append(len([b, c, d]) + 2)

    app.add_systems(Update, one, one_filtered, optional, six, five_filtered)
    app.world.spawn(A(), B(), C(), D(), E(), F())
    app.update()
    assert counts == [1, 2, 3, 4, 5]
    [(_, row)] = app.world.query(A, B, C, D, E, F)
    assert_type(row, tuple[A, B, C, D, E, F])
