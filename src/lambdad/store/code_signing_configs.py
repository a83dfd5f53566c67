"""Code signing configurations in the database."""

from typing import Any

from lambdad.resources.code_signing import CodeSigningConfig, CodeSigningConfigKey
from lambdad.store.documents import Documents


class CodeSigningConfigs(Documents[CodeSigningConfigKey, CodeSigningConfig]):
    table = "code_signing_configs"

    def _read(
        self, account: str, region: str, name: str, document: Any
    ) -> tuple[CodeSigningConfigKey, CodeSigningConfig]:
        key = CodeSigningConfigKey(account, region, name)
        document["publishers"] = tuple(document["publishers"])
        return key, CodeSigningConfig(key=key, **document)
