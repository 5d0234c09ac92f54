"""A shop's shelf: systems that talk by events and react to what was added, changed and removed.

`sell` takes goods away and says so with ``Changes``; `reorder` looks only at what changed and asks for more with an
event; `deliver` answers that event. None of them knows another. With ``--describe`` the program ends by printing what
is inside the app: systems in their order, entities, events written and missed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ecs_localai import (
    Added,
    App,
    Changed,
    Changes,
    Commands,
    EventReader,
    EventWriter,
    Query,
    RemovedComponents,
    Update,
    World,
    chain,
)


@dataclass
class Goods:
    name: str
    count: int


@dataclass
class Discontinued:
    """A mark: is not ordered again."""


@dataclass(frozen=True)
class Sold:
    goods: int
    count: int


@dataclass(frozen=True)
class Ordered:
    goods: int


def welcome(new: Query[Goods, Added[Goods]]) -> None:
    for _, goods in new:
        print(f"new on the shelf: {goods.count} {goods.name}")


def sell(sales: EventReader[Sold], world: World, changes: Changes[Goods]) -> None:
    for sale in sales.read():
        goods = world.get(sale.goods, Goods)
        if goods is not None:
            goods.count -= sale.count
            changes.mark(sale.goods)  # changing in place is seen by Changed only when it is marked


def reorder(touched: Query[Goods, Discontinued | None, Changed[Goods]], orders: EventWriter[Ordered]) -> None:
    for entity, (goods, discontinued) in touched:
        if goods.count < 3 and discontinued is None:
            print(f"only {goods.count} {goods.name} left")
            orders.write(Ordered(entity))


def clear_empty(shelf: Query[Goods, Changed[Goods]], commands: Commands) -> None:
    for entity, goods in shelf:
        if goods.count <= 0:
            commands.despawn(entity)


def deliver(orders: EventReader[Ordered], world: World, changes: Changes[Goods]) -> None:
    for order in orders.read():
        goods = world.get(order.goods, Goods)
        if goods is not None:
            goods.count += 10
            changes.mark(order.goods)
            print(f"delivered, now {goods.count} {goods.name}")


def farewell(gone: RemovedComponents[Goods]) -> None:
    for entity in gone.read():
        print(f"entity {entity} is sold out")


def main() -> None:
    with App() as app:
        app.add_systems(Update, chain(welcome, sell, reorder, clear_empty, deliver, farewell))
        apples = app.world.spawn(Goods("apples", 5))
        lamps = app.world.spawn(Goods("lava lamps", 1), Discontinued())
        for sale in (Sold(apples, 3), Sold(lamps, 1)):
            app.update(1.0)
            app.send_event(sale)
        app.update(1.0)
        if "--describe" in sys.argv:
            print(app.describe())


if __name__ == "__main__":
    main()
