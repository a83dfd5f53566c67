"""Whose secrets these are: functions' roles, this server itself, those who may call it."""

from lambdad.aws.credentials import RoleCredentials, RoleSession
from lambdad.aws.sigv4 import DEFAULT_ACCOUNT
from lambdad.config import Config
from lambdad.environments.variables import Credentials
from lambdad.resources.function import FunctionVersion


class Identities:
    """Made when the data directory is this process's own: the key of the roles' secrets is in it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._roles = RoleCredentials(config.data_dir)
        self.link_key = self._roles.link_key
        self.session_of = self._roles.session_of

    def of_version(self, version: FunctionVersion) -> Credentials:
        account = version.key.account
        session = RoleSession(account, version.role, version.key.name)
        return Credentials(account, self._secret(account), self._roles.session_token(session))

    def own(self, account: str = DEFAULT_ACCOUNT) -> tuple[str, str, str | None]:
        """What an account's requests to ourselves are signed with."""
        return account, self._secret(account), None

    def secret_of(self, access_key: str) -> str | None:
        """Of whoever asks; None: nobody knows that key."""
        return self._config.credentials.get(access_key) or self._roles.secret_of(access_key)

    def _secret(self, account: str) -> str:
        secret = self._roles.secret_of(account)
        assert secret is not None
        return secret
