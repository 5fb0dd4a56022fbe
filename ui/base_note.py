"""What should be known of a base model before its first use: license, size, where it goes."""

import streamlit as st

from leafcore.base_models import is_accepted, open_base
from leafcore.errors import LeafError
from leafcore.progress import size
from leafcore.train.configs import DreamBoothConfig
from ui.service import workspace


def base_note(config: DreamBoothConfig) -> None:
    """Draw a base model's license, whether it was accepted here, and what must be fetched."""
    try:
        base = open_base(workspace(), config.base)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    is_link = base.license_url.startswith("https://")
    license = f"[{base.license}]({base.license_url})" if is_link else f"{base.license} (`{base.license_url}`)"
    taken = "accepted" if is_accepted(workspace(), base) or config.accept_license else "to be accepted above"
    st.caption(f":material/gavel: **{base.name}**  ·  license {license}, {taken}")
    if not base.is_here:
        count = size(base.bytes) if base.bytes else "Some gigabytes"
        st.caption(f":material/download: {count} will be fetched to `{base.folder}`")
