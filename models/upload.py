import base64
import binascii

from odoo.exceptions import UserError


def decode_upload(record, limit, too_large=None):
    """Bytes of the `file` that somebody uploaded; one that is too large is not decoded at all.

    :param limit: largest size, in bytes
    :param too_large: what to say of a larger file, where there is something better to say
    :raises UserError: without a file, or when it is too large or did not arrive whole
    """
    encoded = record.with_context(bin_size=False).file
    if not encoded:
        raise UserError(record.env._("Choose a file first."))
    if len(encoded) * 3 // 4 - encoded[-2:].count(b"=") > limit:
        raise UserError(
            too_large
            or record.env._("The file has more than %s MB and was not opened.", limit // 2**20)
        )
    try:
        return base64.b64decode(encoded)
    except binascii.Error as error:
        raise UserError(
            record.env._("The file did not arrive whole: choose it once more.")
        ) from error


def explain_table(env, error, **own):
    """Why a table cannot be read, in a sentence.

    :param error: `SheetError`
    :param own: sentences of the caller by code, which knows what the table should hold
    """
    limit = error.values.get("limit", 0)
    sentences = {
        "empty": env._("The file is empty."),
        "inflated": env._(
            "The workbook would unpack to more than %s MB and was not opened.", limit // 2**20
        ),
        "too_many_rows": env._("The file has more than %s rows.", limit),
        "damaged": env._("The file is damaged. Open it, save it again and try once more."),
        "xls_unsupported": env._(
            "This server cannot read the old .xls: open the file and save it as .xlsx."
        ),
    }
    return {**sentences, **own}[error.code]
