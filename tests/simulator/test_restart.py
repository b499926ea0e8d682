"""What the simulator said yes to outlives it: a process killed outright forgets nothing."""

from pathlib import Path
from uuid import uuid4

from engines import processes
from tests.support.servers import API_KEY, Service, environment, process, reached

APP = ("--factory", "simulator.app:create_app")
NOTICE = "/money/simulated/token"


async def test_a_killed_simulator_forgets_nothing(service: Service, tmp_path: Path) -> None:
    port, env = processes.free_port(), environment(service.url, tmp_path)
    reference, other = str(uuid4()), str(uuid4())
    service.refuse[NOTICE] = 1
    with process(*APP, port=port, env=env) as url:
        async with reached(url) as simulator:
            form = {"username": "demo", "to": "+22370000100", "message": "Bonjour"}
            path = "/simulator/at/version1/messaging"
            await simulator.http.post(path, data=form, headers={"apiKey": API_KEY})
            call = await simulator.post("/simulator/calls", 201, phone="+22370000100", code="*384*57#")
            await simulator.post(f"/simulator/calls/{call['id']}", answer="1")
            await simulator.collect(other, service.url + NOTICE, phone="+22370000003")
            await simulator.collect(reference, service.url + NOTICE)
            prompt = (await simulator.prompt())["id"]
            await simulator.post(f"/simulator/prompts/{prompt}", answer="approve")
            await service.wait_for(NOTICE)  # refused: the next try is up to the second process
    with process(*APP, port=port, env=env) as url:
        async with reached(url) as simulator:
            assert len(await simulator.get("/simulator/sms", to="+22370000100")) == 1
            assert (await simulator.status(reference))["status"] == "SUCCESSFUL"
            assert (await simulator.prompt("+22370000003"))["reference"] == other
            await simulator.collect(reference, service.url, 409)
            await service.wait_for(NOTICE, 2, within_s=10)
            await simulator.post(f"/simulator/calls/{call['id']}", answer="2")
            assert service.to("/ussd")[-1].form["text"] == "1*2"


async def test_the_store_never_holds_the_webhook_secret(service: Service, tmp_path: Path) -> None:
    env = environment("http://127.0.0.1:9", tmp_path)  # nothing listens: all that goes out stays in the store
    with process(*APP, port=processes.free_port(), env=env) as url:
        async with reached(url) as simulator:
            await simulator.post("/simulator/sms/incoming", 202, **{"from": "+22370000100", "text": "SOLDE"})
            await simulator.post("/simulator/calls", 201, phone="+22370000100", code="*384*57#")
    kept = everything_in(tmp_path)
    assert b"SOLDE" in kept
    assert env["WEBHOOK_SECRET"].encode() not in kept


def everything_in(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.iterdir())
