"""One WSDL per service, as ANS names its parts; the address is where this server listens.

Services, ports, bindings, messages and namespaces follow the files of ANS (document/literal bare,
an empty soapAction); the XSDs that they import are served beside them.
"""

import re
from pathlib import Path

from lxml import etree

from .official import NS
from .services import Service

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
XSD = "http://www.w3.org/2001/XMLSchema"
HTTP = "http://schemas.xmlsoap.org/soap/http"
FILE_NAME = re.compile(r"(tiss\w*[\w.]*|xmldsig-core-schema)\.xsd")


def describe(service: Service, version: str, location: str) -> bytes:
    """The WSDL of a service of that version at that address."""
    name = service.wsdl_name
    number = "v" + version.replace(".", "")
    tns = f"http://www.ans.gov.br/tiss/ws/tipos/{name.lower()}/{number}"
    root = etree.Element(
        f"{{{WSDL}}}definitions",
        nsmap={None: WSDL, "soap": SOAP, "xsd": XSD, "ans": NS, "tns": tns},
        name=name,
        targetNamespace=tns,
    )
    schema = etree.SubElement(_add(root, "types"), f"{{{XSD}}}schema")
    xsd = f"tissWebServicesV{version.replace('.', '_')}.xsd"
    etree.SubElement(schema, f"{{{XSD}}}import", namespace=NS, schemaLocation=xsd)
    for message, element in (
        (f"{name}_Request", service.request),
        (f"{name}_Response", service.response),
        ("tissFault", "tissFaultWS"),
    ):
        part = element.removesuffix("WS")
        _add(_add(root, "message", name=message), "part", name=part, element=f"ans:{element}")
    _port_type(root, name)
    _binding(root, name)
    port = _add(
        _add(root, "service", name=name), "port", name=f"{name}_Port", binding=f"tns:{name}_Binding"
    )
    etree.SubElement(port, f"{{{SOAP}}}address", location=location)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def xsd_file(folder: Path, name: str) -> Path | None:
    """An official XSD of that folder, none for any other file."""
    path = folder / name
    return path if FILE_NAME.fullmatch(name) and path.is_file() else None


def _port_type(root: etree._Element, name: str) -> None:
    port_type = _add(root, "portType", name=f"{name}_PortType")
    operation = _add(port_type, "operation", name=f"{name}_Operation")
    _add(operation, "input", message=f"tns:{name}_Request")
    _add(operation, "output", message=f"tns:{name}_Response")
    _add(operation, "fault", name="TissFault", message="tns:tissFault")


def _binding(root: etree._Element, name: str) -> None:
    binding = _add(root, "binding", name=f"{name}_Binding", type=f"tns:{name}_PortType")
    etree.SubElement(binding, f"{{{SOAP}}}binding", style="document", transport=HTTP)
    operation = _add(binding, "operation", name=f"{name}_Operation")
    etree.SubElement(operation, f"{{{SOAP}}}operation", soapAction="")
    for side in ("input", "output"):
        etree.SubElement(_add(operation, side), f"{{{SOAP}}}body", use="literal")
    fault = _add(operation, "fault", name="TissFault")
    etree.SubElement(fault, f"{{{SOAP}}}fault", name="TissFault", use="literal")


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{WSDL}}}{tag}", **attributes)
