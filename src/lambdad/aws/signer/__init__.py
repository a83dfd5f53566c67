"""Signed code packages, as AWS Signer makes them for Lambda: made here with a local profile, and verified.

A signed zip has one more entry, `META_INF/aws_signer_signature_v1.0.SF`: a detached CMS signature (RFC 5652) in PEM, whose signed
attributes name the signing profile version, the signing job and the expiry. AWS documents only that there is one
(docs.aws.amazon.com/signer/latest/developerguide/Welcome.html); its form is as it has been observed.
"""
