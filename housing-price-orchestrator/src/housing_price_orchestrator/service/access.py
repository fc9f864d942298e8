"""Who may do what: whoever asks shows a credential, and each operation takes a scope."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.access import Authenticator, Caller, Scope
from housing_price_orchestrator.shared.errors import CredentialsInvalid, CredentialsMissing, ScopeMissing


class Access:
    """Lets known callers do what their scopes allow."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        """Ask each of `authenticators` in turn whose a credential is."""
        self._authenticators = authenticators

    async def admit(self, credential: str | None, scope: Scope) -> Caller:
        """Tell whose `credential` it is, if they may use what takes `scope`.

        Raises:
            CredentialsMissing: there is none.
            CredentialsInvalid: it is nobody's.
            ScopeMissing: its owner may not do this.
            IdentityProviderUnavailable: it cannot be told now.
        """
        if credential is None:
            raise CredentialsMissing
        for authenticator in self._authenticators:
            caller = await authenticator.caller_of(credential)
            if caller is None:
                continue
            if scope not in caller.scopes:
                raise ScopeMissing(caller.id, scope)
            return caller
        raise CredentialsInvalid
