"""What a page from elsewhere may send to the API, and may see of its answers."""

from tests.kit.templates import resources

# Every page may send and see these without being asked (Fetch 2.2.2), and these no page ever does.
SENT_FREELY = {"accept"}
SEEN_FREELY = {"cache-control", "content-type", "last-modified"}
NOT_FOR_PAGES = {"set-cookie", "clear-site-data", "x-robots-tag"}


def cors():
    return resources("template", "AWS::ApiGatewayV2::Api")["Api"]["Properties"]["CorsConfiguration"]


def resolved(document, part):
    while "$ref" in part:
        place, part = part["$ref"].removeprefix("#/").split("/"), document
        for name in place:
            part = part[name]
    return part


def operations(document):
    return [one for methods in document["paths"].values() for one in methods.values()]


def test_every_header_that_an_operation_reads_may_be_sent_by_a_page_from_elsewhere(document):
    parameters = [
        resolved(document, one) for operation in operations(document) for one in operation.get("parameters", ())
    ]

    read = {one["name"].lower() for one in parameters if one["in"] == "header"}

    assert read - SENT_FREELY <= set(cors()["AllowHeaders"])


def test_every_header_that_an_answer_carries_may_be_seen_by_a_page_from_elsewhere(document):
    answers = [resolved(document, one) for operation in operations(document) for one in operation["responses"].values()]

    carried = {name.lower() for answer in answers for name in answer.get("headers", {})}

    assert carried - SEEN_FREELY - NOT_FOR_PAGES <= set(cors()["ExposeHeaders"])
