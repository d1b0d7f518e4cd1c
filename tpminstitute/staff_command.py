"""The commands `tpm staff …`: let somebody in, also who locked themselves out."""

import click

from tpminstitute.core.config import load_settings


@click.group()
def staff() -> None:
    """Let somebody in at the staff desk, by a link that you pass on."""


@staff.command()
@click.argument("email")
@click.option("--role", type=click.Choice(["administrator", "advisor", "reader"]), default="advisor", show_default=True)
def add(email: str, role: str) -> None:
    """Invite EMAIL: print the link that creates the account, once, within a week."""
    from tpminstitute.accounts.models import Role
    from tpminstitute.staff_links import add_link

    click.echo(f"Create the account at {add_link(load_settings(), email, Role(role))}")


@staff.command()
@click.argument("email")
@click.option("--second-step", is_flag=True, help="Take the second step off as well: phone and codes are lost.")
def reset(email: str, second_step: bool) -> None:
    """Print a link to a new password for EMAIL; it works once, for an hour."""
    from tpminstitute.staff_links import new_password_link

    link = new_password_link(load_settings(), email, second_step_too=second_step)
    click.echo(f"Choose a new password at {link}")


@staff.command("list")
def list_accounts() -> None:
    """List the accounts."""
    from tpminstitute.staff_links import account_lines

    for line in account_lines(load_settings()) or ["Nobody has an account yet. `tpm migrate` prints the first link."]:
        click.echo(line)
