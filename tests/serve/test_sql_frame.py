"""An entity frame as SQL. The file store runs none, and the error has to say so."""

from checks import fails, test
from rows import at, table


@test
def the_file_store_says_that_it_runs_no_sql(world):
    view = world.view("sql", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    with fails(Exception, "select") as raised:
        world.ask("SELECT driver_id, event_timestamp FROM entities", view.refs())
    assert isinstance(raised.error, (NotImplementedError, ValueError)), type(raised.error)


@test
def what_is_not_one_select_is_refused(world):
    view = world.view("sql_drop", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    for text in ("DROP TABLE entities", "SELECT 1; DROP TABLE entities", ""):
        with fails((NotImplementedError, ValueError)):
            world.ask(text, view.refs())
